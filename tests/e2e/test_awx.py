# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""extensions/awx/: what it makes in AWX is what data.yml says, and that is what the role understands.

By the real modules of awx.awx, against a stand-in for AWX (awx.py).
"""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from awx import AWX, TOKEN
from sites import ROOT, playbook

EXTENSION = ROOT / "extensions" / "awx"
DEFINITION = ROOT / "extensions" / "execution_environment" / "execution-environment.yml"
EXAMPLES = ROOT / "examples"
DATA = yaml.safe_load((EXTENSION / "data.yml").read_text())
SPECS = yaml.safe_load((ROOT / "roles/bluegreen/meta/argument_specs.yml").read_text())["argument_specs"]
ENTRY_POINTS = {"deploy.yml": "main", "promote.yml": "promote", "abort.yml": "abort", "rollback.yml": "rollback"}
TEMPLATES = {template["name"]: template for template in DATA["awx_job_templates"]}
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb64\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.fixture(scope="module")
def awx():
    with AWX([path.name for path in EXAMPLES.glob("*.yml")]) as awx:
        yield awx


@pytest.fixture(scope="module")
def set_up(awx, tmp_path_factory):
    """Run the playbook; it has been run once."""
    directory = tmp_path_factory.mktemp("awx")
    (directory / "key").write_text(KEY)

    def run(token=TOKEN):
        environment = {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": token}
        variables = {"awx_ssh_key_file": str(directory / "key")}
        return playbook(directory, str(EXTENSION / "setup.yml"), variables, environment=environment)

    run.first = run()
    return run


def survey(questions):
    return {"name": "", "description": "", "spec": questions}


def test_awx_has_what_the_data_says(awx, set_up):
    set_up.first.succeeded()
    assert "WARNING" not in set_up.first.stderr
    organization = awx.named("organizations", "Default")["id"]
    environment = awx.named("execution_environments", DATA["awx_execution_environment"]["name"])
    assert environment["image"] == DATA["awx_execution_environment"]["image"]

    project = awx.named("projects", DATA["awx_project"]["name"])
    assert {name: project[name] for name in DATA["awx_project"]} == DATA["awx_project"]
    assert (project["organization"], project["default_environment"]) == (organization, environment["id"])
    assert project["scm_update_on_launch"] is True

    inventory = awx.named("inventories", DATA["awx_inventory"]["name"])
    source = awx.named("inventory_sources", DATA["awx_inventory"]["source"])
    assert (source["inventory"], source["source_project"]) == (inventory["id"], project["id"])
    assert (source["source"], source["source_path"]) == ("scm", DATA["awx_inventory"]["source_path"])
    assert source["update_on_launch"] and source["overwrite"] and source["overwrite_vars"]

    credential = awx.named("credentials", DATA["awx_credential"]["name"])
    assert credential["inputs"] == {"username": DATA["awx_credential"]["username"], "ssh_key_data": "$encrypted$"}
    assert json.dumps(KEY) in awx.everything()

    assert awx.names("job_templates") == set(TEMPLATES)
    for name, wanted in TEMPLATES.items():
        template = awx.named("job_templates", name)
        assert (template["playbook"], template["description"]) == (wanted["playbook"], wanted["description"])
        assert (template["project"], template["inventory"]) == (project["id"], inventory["id"])
        assert (template["organization"], template["execution_environment"]) == (organization, environment["id"])
        assert json.loads(template["extra_vars"]) == wanted.get("extra_vars", {})
        assert template["job_type"] == "run" and template["ask_job_type_on_launch"] and template["survey_enabled"]
        assert awx.survey("job_templates", name) == survey(wanted["survey"])
        assert awx.linked("job_templates", name, "credentials") == {DATA["awx_credential"]["name"]}


def test_the_workflow_asks_between_deploy_and_promote(awx, set_up):
    workflow = awx.named("workflow_job_templates", DATA["awx_workflow"]["name"])
    assert workflow["survey_enabled"]
    assert awx.survey("workflow_job_templates", workflow["name"]) == survey(DATA["awx_workflow"]["survey"])
    nodes = DATA["awx_workflow"]["nodes"]
    assert awx.names("workflow_job_template_nodes") == {node["identifier"] for node in nodes}
    for node in nodes:
        made = awx.named("workflow_job_template_nodes", node["identifier"])
        assert made["workflow_job_template"] == workflow["id"]
        kind = "job_templates" if "job_template" in node else "workflow_approval_templates"
        runs = node["job_template"] if "job_template" in node else node["approval"]["name"]
        assert made["unified_job_template"] == awx.named(kind, runs)["id"]
        for how in ("success_nodes", "failure_nodes", "always_nodes"):
            assert awx.linked("workflow_job_template_nodes", node["identifier"], how) == set(node.get(how, []))
    (approval,) = (node["approval"] for node in nodes if "approval" in node)
    assert approval.items() <= awx.named("workflow_approval_templates", approval["name"]).items()

    def after(node, how):
        return awx.linked("workflow_job_template_nodes", node, f"{how}_nodes")

    assert (after("deploy", "success"), after("deploy", "failure")) == ({"approve"}, set())
    assert (after("approve", "success"), after("approve", "failure")) == ({"promote"}, {"abort"})
    assert after("promote", "success") == after("abort", "success") == set()


@pytest.mark.long
def test_a_second_run_changes_nothing(awx, set_up):
    before, writes = awx.everything(), len(awx.writes)
    assert set_up().succeeded().summary["localhost"]["changed"] == 0
    assert len(awx.writes) == writes
    assert awx.everything() == before


@pytest.mark.long
def test_what_was_changed_in_awx_is_made_right_again(awx, set_up):
    before = awx.everything()
    deploy = awx.named("job_templates", "shop: deploy")["id"]
    awx.objects["job_templates"][deploy].update(playbook="abort.yml", ask_job_type_on_launch=False)
    awx.surveys["job_templates", deploy] = survey(TEMPLATES["shop: promote"]["survey"])
    awx.links["job_templates", deploy, "credentials"].clear()
    assert set_up().succeeded().summary["localhost"]["changed"] == 1
    assert awx.everything() == before


@pytest.mark.long
def test_a_token_that_awx_does_not_take(awx, set_up):
    before = awx.everything()
    refused = set_up(token="wrong")
    assert refused.rc != 0 and "401" in refused.messages("localhost")[0]
    assert awx.everything() == before


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_survey_asks_for_what_the_role_takes(name):
    template = TEMPLATES[name]
    options = SPECS[ENTRY_POINTS[template["playbook"]]]["options"]
    asked = {question["variable"]: question for question in template["survey"]}
    assert asked.pop("bluegreen_target")["default"] == "bluegreen"  # what the playbooks take where nobody says
    assert set(asked) == {"bluegreen_release"} & set(options)
    for variable, question in asked.items():
        assert options[variable]["type"] == "str" and question["type"] == "text"
        assert question["required"] is options[variable].get("required", False)
    assert set(template.get("extra_vars", {})) <= set(options)


def test_the_workflow_asks_for_what_its_jobs_ask_for():
    jobs = [node["job_template"] for node in DATA["awx_workflow"]["nodes"] if "job_template" in node]
    needed = [question for job in jobs for question in TEMPLATES[job]["survey"]]
    assert all(question in DATA["awx_workflow"]["survey"] for question in needed)


def test_the_project_is_the_examples():
    assert {template["playbook"] for template in TEMPLATES.values()} <= {path.name for path in EXAMPLES.iterdir()}
    inventory = yaml.safe_load((EXAMPLES / DATA["awx_inventory"]["source_path"]).read_text())
    (target,) = inventory
    assert DATA["awx_questions"]["target"]["default"] == target
    (host,) = inventory[target]["hosts"].values()
    assert DATA["awx_credential"]["username"] == host["ansible_user"]


def test_ansible_builder_takes_the_execution_environment(tmp_path):
    """Building it is for make ee; the tools that it has are those that the tests run with."""
    command = ["ansible-builder", "create", "--file", str(DEFINITION), "--context", str(tmp_path)]
    command += ["--output-filename", "Containerfile"]
    created = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert created.returncode == 0, created.stdout
    definition = yaml.safe_load(DEFINITION.read_text())
    assert f'EE_BASE_IMAGE="{definition["images"]["base_image"]["name"]}"' in (tmp_path / "Containerfile").read_text()
    (wanted,) = yaml.safe_load((tmp_path / "_build" / "requirements.yml").read_text())["collections"]
    assert wanted["name"].startswith(yaml.safe_load((ROOT / "galaxy.yml").read_text())["repository"])
    tools = (ROOT / "tools" / "requirements.txt").read_text()
    for tool in ("ansible_core", "ansible_runner"):
        assert definition["dependencies"][tool]["package_pip"] in tools


@pytest.mark.parametrize("target", ["", "  "])
def test_an_empty_target_is_refused(tmp_path, target):
    refused = playbook(tmp_path, str(EXAMPLES / "deploy.yml"), {"bluegreen_target": target, "bluegreen_release": "v1"})
    assert refused.rc != 0
    assert f"bluegreen_target is '{target}': no host of the inventory" in refused.messages()[0]
