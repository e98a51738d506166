"""The bytes of a bundle, and the provenance that travels with it."""

import hashlib

from signalbox_verify.signed import MODEL_SIGNATURE, STATEMENT, NotProven, open_envelope, require


def verify_files(files, bundle):
    order = sorted(files, key=lambda f: (f["part"], f["path"], f["size"], f["sha256"]))
    lines = "".join(f"{f['part']}/{f['path']}\0{f['size']}\0{f['sha256']}\n" for f in order)
    require(
        "sha256:" + hashlib.sha256(lines.encode()).hexdigest() == bundle, f"the list of files of {bundle} is another"
    )


def verify_folder(files, folder):
    """Raises NotProven unless *folder* has these files, and nothing else."""
    listed = {f"{file['part']}/{file['path']}": file["sha256"] for file in files}
    present = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    for name in sorted(present ^ set(listed)):
        raise NotProven(f"{name} is {'missing' if name in listed else 'not of the bundle'}")
    for name, sha256 in listed.items():
        require(not (folder / name).is_symlink() and (folder / name).is_file(), f"{name} is not a plain file")
        with (folder / name).open("rb") as content:
            require(hashlib.file_digest(content, "sha256").hexdigest() == sha256, f"{name} has other bytes")


def verify_provenance(payload, where):
    """The predicate of a provenance, whose subjects are the bundle and each of its files."""
    says = payload["predicate"]
    verify_files(says["files"], says["bundle"])
    digests = {f"{file['part']}/{file['path']}": file["sha256"] for file in says["files"]}
    digests[says["model"]] = says["bundle"].removeprefix("sha256:")
    subjects = [(subject["name"], subject["digest"]["sha256"]) for subject in payload["subject"]]
    require(sorted(digests.items()) == sorted(subjects), f"{where} is about other files than it lists")
    return says


def verify_model_signature(payload, where):
    """The predicate of a signature in the form of sigstore's model-signing; its subject is over all its resources."""
    says = payload["predicate"]
    root = hashlib.sha256(b"".join(bytes.fromhex(resource["digest"]) for resource in says["resources"])).hexdigest()
    subjects = [subject["digest"]["sha256"] for subject in payload["subject"]]
    require(subjects == [root], f"{where} is about other files than it lists")
    return says


def verify_passed(says, receipts):
    """What a provenance says that the bundle passed is what the receipts say; *receipts* by stage and phase."""
    where = f"the provenance at {says['stage']}"
    require(
        (says["stage"], "entry") == tuple(says["passed"][-1][name] for name in ("stage", "phase")),
        f"{where} ends elsewhere",
    )
    for passed in says["passed"]:
        receipt = receipts.get((passed["stage"], passed["phase"]), {})
        own = {name: receipt.get("digest" if name == "bundle" else name) for name in passed}
        require(own == passed, f"{where} tells of {passed['stage']} ({passed['phase']}) what no receipt says")


def verify_provenances(plan, receipts, kinds, is_demanded):
    """Each stage has its own, and the model's signature; a proof of an earlier release has none at all."""
    provenances, signatures = kinds["provenance"], kinds[MODEL_SIGNATURE]
    if not provenances and not is_demanded:
        return ["no provenance travels with the bundle: an earlier release has promoted it"]
    stages = [stage["stage"] for stage in plan["stages"]]
    for kind, what in ((provenances, "provenance"), (signatures, "model signature")):
        require(sorted(stages) == sorted(says["stage"] for says in kind), f"a stage does not have its one {what}")
    signed = {says["stage"]: {(r["name"], r["digest"]) for r in says["resources"]} for says in signatures}
    for says in provenances:
        own = {name: plan[name] for name in ("promotion", "plan", "model")}
        require(own.items() <= says.items(), f"the provenance at {says['stage']} is of another promotion")
        digest = receipts[says["stage"], "exit"]["digest"]
        require(says["bundle"] == digest, f"the provenance at {says['stage']} is of {says['bundle']}")
        files = {(f"{file['part']}/{file['path']}", file["sha256"]) for file in says["files"]}
        require(signed[says["stage"]] == files, f"the model signature at {says['stage']} is of other files")
        verify_passed(says, receipts)
    return [f"its provenance travels to {', '.join(stages)}"]


def verify_alone(envelope, keys, folder=None):
    """What a provenance proves by itself, as it lies beside a bundle, in lines. Raises NotProven."""
    payload = open_envelope(envelope, STATEMENT, None, keys, "the provenance")
    require(payload["_type"] == "https://in-toto.io/Statement/v1", "the provenance is not an in-toto statement")
    kind = payload["predicateType"].rpartition("/v1")[0].rpartition("/")[2]
    require(kind == "provenance", f"this is a statement of kind {kind}, and no provenance")
    says = verify_provenance(payload, "the provenance")
    lines = [f"{says['model']} with {says['bundle']} at {says['stage']}, by {says['promotion']} from {says['source']}"]
    facts = {"data": "data_version", "commit": "code_commit", "training run": "training_run", "packages": "environment"}
    lines += [f"  {name}: {says[member] or 'not known'}" for name, member in facts.items()]
    for passed in says["passed"]:
        gates = ", ".join(passed["verdicts"]) or "no gate"
        override = f"; overridden by {passed['override']}" if passed["override"] else ""
        lines.append(f"{passed['stage']} ({passed['phase']}) at {passed['issued']}: {gates}{override}")
        lines += [f"  approved by {text}" for text in passed["approvals"]]
    if folder:
        verify_folder(says["files"], folder)
        lines.append(f"the folder has the {len(says['files'])} files of {says['bundle']}, and no other")
    return [*lines, "The deciding key alone says so: the proof of the promotion shows the statements behind it"]
