#!/bin/sh
# What the settings that end in _CMD run: a secret out of its file, or the address that holds it.
set -eu
password() { cat "/run/secrets/$1"; }

case $1 in
    database) printf 'postgresql+psycopg2://airflow:%s@postgres/airflow' "$(password postgres_password)" ;;
    broker) printf 'redis://:%s@redis:6379/0' "$(password redis_password)" ;;
    results) printf 'redis://:%s@redis:6379/1' "$(password redis_password)" ;;
    flower) printf 'admin:%s' "$(password airflow_password)" ;;
    *) password "$1" ;;
esac
