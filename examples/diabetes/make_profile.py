"""Make the reference profile that arrivals are compared with, from the training rows.

python examples/diabetes/make_profile.py TRAIN.csv
"""

import json
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from shared.adapters.reader.files import TableFile  # noqa: E402 - The project's folder has to be on the path first.
from shared.adapters.tables.measuring import profile  # noqa: E402
from shared.domain.data_contract import parse_contract  # noqa: E402

if __name__ == "__main__":
    train = Path(sys.argv[1])
    contract = parse_contract(yaml.safe_load((HERE / "contract.yaml").read_text(encoding="utf-8")))
    made = profile([TableFile(name=train.name, open=lambda: train.open("rb"))], contract)
    (HERE / "reference-profile.json").write_text(json.dumps(made.to_dict()) + "\n", encoding="utf-8")
