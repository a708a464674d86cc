# A command with the keys of the service s3, for whoever types it: `darkroom store list s3://studio`.
export AWS_ENDPOINT_URL_S3=${AWS_ENDPOINT_URL_S3:-http://s3:8333}
AWS_ACCESS_KEY_ID=$(cat /run/secrets/s3_access_key)
AWS_SECRET_ACCESS_KEY=$(cat /run/secrets/s3_secret_key)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
exec "$@"
