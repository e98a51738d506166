"""What a promotion's statements say together: each rests on the one before, from the bytes to the persons."""

from datetime import datetime, timedelta

from signalbox_verify.bundles import (
    verify_files,
    verify_folder,
    verify_model_signature,
    verify_provenance,
    verify_provenances,
)
from signalbox_verify.signed import (
    KINDS,
    MODEL_SIGNATURE,
    PURPOSES,
    STATEMENT,
    NotProven,
    canonical,
    open_envelope,
    require,
    verify_log_proof,
)

FORMATS = ("signalbox-proof/v1", "signalbox-proof/v2")  # The first is of releases without provenance.

FORMS = {"provenance": verify_provenance, MODEL_SIGNATURE: verify_model_signature}  # Their subjects are files.


def open_statements(statements, keys):
    """The predicates by kind: a list of each. A statement counts only at the path that it was made for."""
    kinds = {kind: [] for kind in PURPOSES}
    for path, envelope in statements.items():
        payload = open_envelope(envelope, STATEMENT, None, keys, path)
        require(payload["_type"] == "https://in-toto.io/Statement/v1", f"{path} is not an in-toto statement")
        kind, predicate = payload["predicateType"].removeprefix(KINDS).removesuffix("/v1"), payload["predicate"]
        own = "promotions/{promotion}/effects/{stage}/{phase}/receipt.json" if kind == "receipt" else "{path}"
        require(own.format_map(predicate) == path, f"{path} was signed for {own.format_map(predicate)}")
        bundle = predicate.get("digest" if kind == "receipt" else "bundle")
        subjects = {subject["name"]: "sha256:" + subject["digest"]["sha256"] for subject in payload["subject"]}
        fits = kind == "decision" or bundle is None or subjects.get(predicate["model"]) == bundle
        require(fits, f"{path} is about other bytes than its model's")
        kinds[kind].append(FORMS[kind](payload, path) if kind in FORMS else predicate)
    return kinds


def verify_receipt(receipt, plan, kinds, logged):
    """The evidence pack that *receipt* rests on, and the decisions that it counts."""
    place = f"{receipt['stage']} ({receipt['phase']})"
    for name in ("promotion", "plan", "model"):
        require(receipt[name] == plan[name], f"the receipt of {place} is for {name} {receipt[name]}, not {plan[name]}")
    require(receipt["phase"] == "exit" or receipt["digest"] == plan["bundle"], f"{place}: a bundle that nobody planned")
    pack = next((pack["pack"] for pack in kinds["evidence-pack"] if pack["digest"] == receipt["evidence"]), None)
    require(pack is not None, f"the receipt of {place} rests on evidence that is not in the proof")
    require(canonical(pack) == receipt["evidence"], f"the evidence pack of {place} does not have its digest")
    for name in ("promotion", "stage", "phase", "plan", "model"):
        require(pack[name] == receipt[name], f"{place}: the evidence is for {name} {pack[name]}")
    require(pack["bundle"] == receipt["digest"], f"{place}: the evidence is for {pack['bundle']}")
    own = {"promotion": plan["promotion"], "plan": plan["plan"], "model": plan["model"]}
    measured = {canonical(record["record"]) for record in kinds["evidence"] if own.items() <= record.items()}
    for assessment in pack["assessments"]:
        require(canonical(assessment) in measured, f"{place}: people were shown figures that nobody measured")
    last = pack["assessments"][-1]
    require((last["stage"], last["phase"]) == (receipt["stage"], receipt["phase"]), f"{place} itself was not measured")
    gates = {verdict["gate"] for verdict in last["verdicts"]}
    require(gates == {text.rpartition(": ")[0] for text in receipt["verdicts"]}, f"{place}: gates are missing")
    # Freezes are judged anew at the receipt: people may have thought for days.
    failed = [v["gate"] for v in last["verdicts"] if v["outcome"] != "pass" and v["gate"] != "not_frozen"]
    failed += [text for text in receipt["verdicts"] if not text.endswith(": pass")]
    require(not failed or receipt["override"], f"{place}: {failed[:1]} did not pass, and nobody answered for it")
    own = {name: receipt[name] for name in ("promotion", "stage", "phase", "evidence", "digest", "issued", "approvals")}
    in_log = any(own.items() <= entry["facts"].items() for entry in logged)
    require(in_log, f"the receipt of {place} is not in the audit log")
    if receipt["phase"] == "entry":
        verify_approvals(receipt, plan, pack, kinds["decision"], logged, place)
    if receipt["override"]:
        consents = decisions_on(receipt, f"-break-glass-{receipt['phase']}", kinds["decision"], logged, place)
        texts = (f"{consent['role']}: {consent['name']} because {consent['reason']}" for consent in consents)
        signed = "; ".join(text for text in texts if text in receipt["override"])
        require(len(signed) == len(receipt["override"]), f"{place}: an override of somebody who signed nothing")
    return pack


def decisions_on(receipt, suffix, decisions, logged, place):
    """The decisions of distinct persons on what *receipt* rests on, made before it, which the audit log has."""
    counted, own = [], {"promotion": receipt["promotion"], "stage": receipt["stage"] + suffix}
    latest = datetime.fromisoformat(receipt["issued"]) + timedelta(seconds=1)  # It is written in whole seconds.
    for record in (record for record in decisions if own.items() <= record.items()):
        decision, key = record["decision"], record["path"] + "/"
        if decision["evidence"] != receipt["evidence"] or decision["withdrawn"]:
            continue
        require(decision["approved"], f"{place}: {decision['name']} rejected it")
        require(datetime.fromisoformat(decision["at"]) < latest, f"{place}: {decision['name']} decided later")
        history = sorted((e for e in logged if e["key"].startswith(key)), key=lambda entry: entry["number"])
        last = history[-1]["facts"] if history and history[-1]["key"].startswith(f"{key}approved/") else {}
        same = all(last.get(name) == decision[name] for name in ("role", "oid", "tenant", "evidence", "at", "reason"))
        require(same, f"{place}: the audit log does not have the decision of {decision['name']}")
        counted.append(decision)
    require(len({(d["tenant"], d["oid"]) for d in counted}) == len(counted), f"{place}: one person approved twice")
    return counted


def decision_times(receipt, decisions):
    """When each person has decided on the evidence of *receipt*, by the words in which it names them."""
    own = {"promotion": receipt["promotion"], "stage": receipt["stage"]}
    made = [record["decision"] for record in decisions if own.items() <= record.items()]
    valid = (one for one in made if one["evidence"] == receipt["evidence"] and not one["withdrawn"])
    return {f"{one['role']}: {one['name']} ({one['oid']})": one["at"] for one in valid}


def verify_approvals(receipt, plan, pack, decisions, logged, place):
    roles = next(stage["approvers"] for stage in plan["stages"] if stage["stage"] == receipt["stage"])
    counted = decisions_on(receipt, "", decisions, logged, place)
    approved = decision_times(receipt, decisions)
    for role in [*roles, *(role["name"] for role in pack["asked"])]:
        require(any(d["role"] == role for d in counted), f"{place}: nobody has approved as {role}")
    for text in receipt["approvals"]:
        require(text in approved, f"{place}: the receipt names {text}, who signed nothing")


def verify_overrides(plan, receipts, statements, is_demanded):
    """Each override has a statement of its own, which says what its receipt says; an earlier release wrote none."""
    own = {name: plan[name] for name in ("promotion", "plan", "model")}
    for says in statements:
        receipt = receipts.get((says["stage"], says["phase"]), {})
        same = all(says[name] == receipt.get(name) for name in ("evidence", "override"))
        require(own.items() <= says.items() and same, f"glass was broken at {says['stage']} as no receipt says")
        gates = ", ".join(says["failures"]) or "no gate"
        yield f"the glass of {says['stage']} ({says['phase']}) was broken over {gates}"
    broken = sorted(key for key, receipt in receipts.items() if receipt["override"])
    stated = sorted((says["stage"], says["phase"]) for says in statements)
    require(not is_demanded or broken == stated, "an override does not have its one statement")


def verify_revocations(revocations, statements):
    """No statement of the proof is signed with a key that another one revokes."""
    signers = {envelope["signatures"][0]["keyid"] for envelope in statements.values()}
    for says in revocations:
        require(says["key"] not in signers, f"key {says['key']} was revoked at {says['revoked_at']}: {says['because']}")
        yield f"key {says['key']} was revoked at {says['revoked_at']}: {says['because']}"


def verify(proof, keys, folder=None):
    """What is proven, in lines. Raises NotProven."""
    require(set(proof) == {"format", "promotion", "statements", "log"}, "the proof has other fields")
    require(proof["format"] in FORMATS, f"the proof has format {proof['format']!r}")
    kinds = open_statements(proof["statements"], keys)
    logged = [verify_log_proof(log_proof, keys) for log_proof in proof["log"]]
    require(len(kinds["plan"]) == 1, "the proof does not have its one plan")
    (plan,), receipts = kinds["plan"], {(receipt["stage"], receipt["phase"]): receipt for receipt in kinds["receipt"]}
    require(plan["promotion"] == proof["promotion"] and plan["stages"], "the plan is of another promotion, or empty")
    bundles = {receipt["digest"] for receipt in kinds["receipt"]}
    lines = [f"{plan['model']} with {plan['bundle']}, to {plan['target']}, by plan {plan['plan']}"]
    for taken_back in kinds["roll-back"]:
        raise NotProven(f"it was taken back at {taken_back['at']}: {'; '.join(taken_back['because'])}")
    for says in kinds["entry-revocation"]:
        require(says["model"] == plan["model"], f"{says['path']} revokes {says['model']}")
        raise NotProven(f"{says['by']} has revoked {says['model']} at {says['at']}: {says['reason']}")
    for stage, phase in ((stage["stage"], phase) for stage in plan["stages"] for phase in ("entry", "exit")):
        require((stage, phase) in receipts, f"there is no receipt for the {phase} of {stage}")
        receipt, entry = receipts[stage, phase], receipts[stage, "entry"]
        require(receipt["approvals"] == entry["approvals"], f"{stage}: other approvals on the way out than in")
        pack = verify_receipt(receipt, plan, kinds, logged)
        verify_files(pack["contents"], receipt["digest"])
        override = f"; overridden by {receipt['override']}" if receipt["override"] else ""
        gates = ", ".join(receipt["verdicts"]) or "no gate"
        lines.append(f"{stage} ({phase}) at {receipt['issued']} with {receipt['digest']}: {gates}{override}")
        decided = decision_times(entry, kinds["decision"])
        lines += [f"  approved by {text}, at {decided[text]}" for text in receipt["approvals"]]
    for says in kinds["withdrawal"]:
        own = (record for record in kinds["decision"] if record["path"] == says["decision"])
        again = any(r["decision"]["at"] == says["decided"] and not r["decision"]["withdrawn"] for r in own)
        require(not again, f"{says['name']} has withdrawn the decision as {says['role']} at {says['at']}")
    for source in (record["source"] for record in kinds["decision"] if record.get("source")):
        place = f"{source['organisation']}/{source['project']}, run {source['run']}, approval {source['approval']}"
        lines.append(f"  {source['given_by']} decided in {source['system']} ({place}): {source['verified']}")
    is_newer = proof["format"] == FORMATS[1]
    lines += verify_provenances(plan, receipts, kinds, is_newer)
    lines += verify_overrides(plan, receipts, kinds["break-glass"], is_newer)
    lines += verify_revocations(kinds["revocation"], proof["statements"])
    for move in (*kinds["move"], *kinds["serving-change"], *kinds["registry-state"]):
        require(move.get("change") != "undone", f"{move.get('move')} at {move.get('stage')} was undone")
        entry = move.get("entry_statement")
        require(entry is None or entry in proof["statements"], f"{entry}, which a move names, is not in the proof")
        require(move.get("entry", plan)["bundle"] in bundles, f"{move.get('path')} is about a bundle without a receipt")
        lines += [f"{move['move']} at {move['stage']} was made at {move['at']}"] if "change" in move else []
    if folder:
        verify_folder(pack["contents"], folder)
        lines.append(f"the folder has the {len(pack['contents'])} files of {receipt['digest']}, and no other")
    return [*lines, f"{len(logged)} entries lie below signed heads of the audit log"]
