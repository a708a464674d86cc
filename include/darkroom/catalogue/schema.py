"""The JSON schema of catalogue.json, as docs/catalogue.schema.json publishes it: `make docs` writes it."""

import json

from darkroom.catalogue.model import Catalogue


def schema() -> str:
    """The schema as text."""
    described = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Catalogue.model_json_schema(
        mode="serialization"
    )
    return json.dumps(described, indent=2) + "\n"


if __name__ == "__main__":
    print(schema(), end="")
