"""Two teams' projects in one app, as files: the platform's and one for each team, small and complete."""

from pathlib import Path

PLATFORM = """
environments:
  dev: {subscription: s, resource_group: g, workspace: dev}
  preprod: {subscription: s, resource_group: g, workspace: preprod}
  prod: {subscription: s, resource_group: g, workspace: prod}
registry: {name: central, subscription: r, resource_group: g}
hub: {account: datahub}
routes: {}
roles:
  platform-engineer: {app_role: PlatformEngineer}
  security: {app_role: Security}
permissions:
  platform-engineer:
    {read: all, see_data: all, check_data: all, publish_data: all, start_inference: all, release: all, operate: all,
    promote: all, retrain: all, decide: all, break_glass: all, recover: all, revoke: all, deliver: all, roll_out: all,
    roll_back: all, provision: all, tear_down: all}
  security: {read: all, decide: all}
machines:
  command-line: {as: [platform-engineer]}
devops: {organisations: [contoso], projects: [mlops]}
teams:
  churn: {file: projects/churn/signalbox.yaml, quotas: {runs_at_once: 2, bytes_a_day: 1000, retrainings_a_day: 3}}
  vision: {file: projects/vision.yaml, environments: [dev, preprod, prod]}
team_ladder:
  preprod:
    from: dev
    environment: preprod
    exit: {golden_requests_match: {}}
    rehearse: true
  central:
    from: preprod
    registry: true
    approvals: {roles: [product-owner, security]}
  production:
    from: central
    environment: prod
    approvals: {roles: [product-owner]}
    exit: {golden_requests_match: {}}
    rollout: {steps: [10, 100]}
"""
TEAM = """
models:
  {model}:
    owner: {team}@example.org
    contract: contract.yaml
    promotion: {{holdout: {{path: evaluation/{team}/holdout.csv, target: y, key: id}}}}
    retraining:
      pipeline: {{endpoint: train-{team}, deployment: blue, environment: dev}}
      data: {{rows: {{take: "training/{team}/{{name}}.csv", contract: contract.yaml, key: [id]}}}}
      gate: {{metric: mae}}
      promote_to: preprod
    drift: {{every: run, sources: [{team}-monitor]}}
routes:
  {team}-daily:
    take: landing/{team}/{{name}}.csv
    score: {{environment: dev, endpoint: {team}-batch, deployment: blue, model: "{model}:1"}}
    publish: predictions/{team}/{{run}}
streams:
  {team}-records: {{route: {team}-daily, land: "landing/{team}/{{batch}}.csv"}}
schedules:
  {team}-nightly: {{cron: 30 2 * * *, retrain: {model}}}
datasets:
  {team}-set: {{purpose: test, environments: [dev], contract: contract.yaml}}
ladder:
  preprod: {{serve: {{online: {team}-preprod}}}}
  central:
  production: {{serve: {{online: {team}-online}}}}
roles:
  product-owner: {{group: {team}-owners}}
  data-scientist: {{group: {team}-scientists}}
  ml-engineer: {{group: {team}-engineers}}
permissions:
  product-owner: {{read: all, decide: all, break_glass: all, revoke: all, roll_out: all, roll_back: all,
    tear_down: all}}
  data-scientist: {{read: all, see_data: all, check_data: all, publish_data: all, start_inference: all, promote: all,
    retrain: all, decide: all, deliver: all, provision: all}}
  ml-engineer: {{read: all, release: all, operate: all, recover: all, roll_out: all, roll_back: all, see_data: all}}
machines:
  {team}-pipeline: {{as: [data-scientist]}}
"""
CONTRACT = "format: csv\ncolumns: [{name: id, type: integer}, {name: y, type: number}]\n"
MODELS = {"churn": "leavers", "vision": "defects"}


def team_file(team: str) -> str:
    """The file of *team*, whose model is that of MODELS."""
    return TEAM.format(team=team, model=MODELS[team])


def write_two_teams(folder: Path, platform: str = PLATFORM, churn: str = "", vision: str = "") -> Path:
    """The platform's file, after all files are written below *folder*; texts that are given replace the usual ones."""
    path = folder / "signalbox.yaml"
    (folder / "projects/churn").mkdir(parents=True, exist_ok=True)
    path.write_text(platform)
    (folder / "projects/churn/signalbox.yaml").write_text(churn or team_file("churn"))
    (folder / "projects/vision.yaml").write_text(vision or team_file("vision"))
    (folder / "projects/churn/contract.yaml").write_text(CONTRACT)
    (folder / "projects/contract.yaml").write_text(CONTRACT)
    return path
