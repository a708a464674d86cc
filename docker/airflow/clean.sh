# Once a day, and first an hour after the start: what is older than KEEP_DAYS goes from the database and from the logs' volume.
set -u

while sleep 3600; do
    before=$(date --utc --date "$KEEP_DAYS days ago" +%Y-%m-%dT%H:%M:%S+00:00)
    airflow db clean --clean-before-timestamp "$before" --skip-archive --yes
    find /opt/airflow/logs -type f -mtime "+$KEEP_DAYS" -delete
    find /opt/airflow/logs -mindepth 1 -type d -mtime +1 -empty -delete
    sleep 82800
done
