"""botocore's session of an access."""

from botocore.configprovider import ConfigChainFactory
from botocore.loaders import create_loader
from botocore.session import Session

from darkroom.store.access import Access

_MODELS = create_loader()
"""What botocore ships of every service. Read once for all sessions: a client of S3 reads several megabytes of JSON."""


def aws_session(access: Access) -> Session:
    """A session for which an access counts, and then botocore's own chain. Raises botocore's errors for bad settings.

    botocore reads the process's environment wherever it is not told otherwise.
    """
    session = Session()
    settings = session.get_component("config_store")
    chains = ConfigChainFactory(session, access.environment())
    for name, (in_file, variable, default, conversion) in session.session_var_map.items():
        settings.set_config_provider(name, chains.create_config_chain(name, variable, in_file, default, conversion))
    said = access.variables
    if "AWS_ACCESS_KEY_ID" in said:
        session.set_credentials(said["AWS_ACCESS_KEY_ID"], said["AWS_SECRET_ACCESS_KEY"], said.get("AWS_SESSION_TOKEN"))
    elif "AWS_PROFILE" in said:  # as an argument, for which no credentials of the environment count
        session.set_config_variable("profile", said["AWS_PROFILE"])
    if not session.get_config_variable("data_path"):
        session.register_component("data_loader", _MODELS)
    return session
