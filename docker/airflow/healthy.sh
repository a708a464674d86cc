#!/bin/sh
# Is this container's part of Airflow at work? Without Airflow's own command, which takes seconds of a core each time.
set -eu

case $1 in
    celery)
        # the worker touches the file as long as it talks to Redis (darkroom_airflow/celery_worker.py)
        [ -n "$(find /tmp/celery-worker-alive -newermt '-30 seconds')" ]
        ;;
    api-server)
        # what people ask, and what tasks ask: the latter is put together at the first request, which takes seconds
        curl --fail-early --fail --silent --output /dev/null --output /dev/null \
            http://127.0.0.1:8080/api/v2/monitor/health http://127.0.0.1:8080/execution/health/ping
        ;;
    *)
        curl --fail --silent http://api-server:8080/api/v2/monitor/health | grep -q "\"$1\":{[^}]*\"status\":\"healthy\""
        ;;
esac
