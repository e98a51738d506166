"""`python -m infra.deploy.settle FEDERATIONS`: let each deployment identity trust its service connection.

FEDERATIONS is JSON, [{name, client, issuer, subject}], as Azure DevOps has said them when the connections were made. It
stands alone: it needs neither templates nor an installation. A second run changes nothing.
"""

import json
import sys

from infra.deploy.azure import federate


def main(text: str) -> int:
    for row in json.loads(text):
        is_new = federate(row["client"], row["name"], row["issuer"], row["subject"])
        sys.stdout.write(f"{row['name']}: {'trusted from now on' if is_new else 'was trusted'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
