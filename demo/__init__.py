"""The demo studio: a whole Airflow on this machine, as `make run` starts it and the end-to-end test uses it.

Nothing of it runs in production: there, the images of docker/ and a deployment's own database do.
"""
