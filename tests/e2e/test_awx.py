# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""extensions/awx/: what it makes in AWX is what data.yml says, and that is what the role understands.

By the real modules of awx.awx, against a stand-in for AWX (awx.py).
"""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.error
import urllib.request

import pytest
import yaml
from awx import AWX, Refused, check_survey
from sites import ROOT, playbook

EXTENSION = ROOT / "extensions" / "awx"
DEFINITION = ROOT / "extensions" / "execution_environment" / "execution-environment.yml"
EXAMPLES = ROOT / "examples"
DATA = yaml.safe_load((EXTENSION / "data.yml").read_text())
SPECS = yaml.safe_load((ROOT / "roles/bluegreen/meta/argument_specs.yml").read_text())["argument_specs"]
ENTRY_POINTS = {"deploy.yml": "main", **{f"{name}.yml": name for name in ("promote", "abort", "rollback", "unlock")}}
TEMPLATES = {template["name"]: template for template in DATA["awx_job_templates"]}
PLAYBOOKS = [path.name for path in EXAMPLES.glob("*.yml")]
ADMIN = "a-token-of-an-admin-of-the-organization"


def private_key(cipher):
    """A text that AWX takes for an OpenSSH private key."""
    data = base64.b64encode(b"openssh-key-v1\0\0\0\0" + bytes([len(cipher)]) + cipher + bytes(40)).decode()
    return f"-----BEGIN OPENSSH PRIVATE KEY-----\n{data}\n-----END OPENSSH PRIVATE KEY-----\n"


KEY = private_key(b"none")


def fill_another_organization(awx):
    """Give the organization Other an inventory, a credential and a project of the names that ours have."""
    (other,) = (each["id"] for each in awx.objects["organizations"].values() if each["name"] == "Other")
    (machine,) = awx.objects["credential_types"]
    awx.add("inventories", {"name": DATA["awx_inventory"]["name"], "organization": other})
    awx.add("credentials", {"name": DATA["awx_credential"]["name"], "organization": other, "credential_type": machine})
    awx.add("projects", {"name": DATA["awx_project"]["name"], "organization": other})


@pytest.fixture(scope="module")
def awx():
    """An AWX with another organization, which has objects of the same names."""
    with AWX(PLAYBOOKS, ("Default", "Other"), {ADMIN: "Default"}) as awx:
        fill_another_organization(awx)
        yield awx


@pytest.fixture(scope="module")
def run_setup(tmp_path_factory):
    """Run setup.yml, as the organization's admin."""
    directory = tmp_path_factory.mktemp("awx")

    def run(awx, token=ADMIN, key=KEY):
        (directory / "key").write_text(key)
        environment = {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": token}
        variables = {"awx_ssh_key_file": str(directory / "key")}
        return playbook(directory, str(EXTENSION / "setup.yml"), variables, environment=environment)

    return run


@pytest.fixture(scope="module")
def set_up(awx, run_setup):
    """Run setup.yml; it has been run once."""

    def run(**more):
        return run_setup(awx, **more)

    run.first = run()
    return run


def launched(awx, name, answers, collection="job_templates", **prompts):
    """Launch a template by the API; return ``(status, body)`` of the answer."""
    url = f"{awx.url}{awx.named(collection, name)['url']}launch/"
    data = json.dumps({"extra_vars": answers, **prompts}).encode()
    try:
        request = urllib.request.Request(url, data, {"Authorization": f"Bearer {ADMIN}"}, method="POST")
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def survey(questions):
    return {"name": "", "description": "", "spec": questions}


def test_awx_has_what_the_data_says(awx, set_up):
    set_up.first.succeeded()
    assert "WARNING" not in set_up.first.stderr
    organization = awx.named("organizations", "Default")["id"]
    environment = awx.named("execution_environments", DATA["awx_execution_environment"]["name"])
    assert environment["image"] == DATA["awx_execution_environment"]["image"]
    assert environment["organization"] == organization

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
        assert not template["ask_variables_on_launch"]
        assert awx.survey("job_templates", name) == survey(wanted["survey"])
        assert [each["id"] for each in awx.linked("job_templates", name, "credentials")] == [credential["id"]]


def test_the_workflow_asks_between_deploy_and_promote(awx, set_up):
    def after(node, how):
        return {each["identifier"] for each in awx.linked("workflow_job_template_nodes", node, how)}

    workflow = awx.named("workflow_job_templates", DATA["awx_workflow"]["name"])
    assert workflow["survey_enabled"] and not workflow["ask_variables_on_launch"]
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
            assert after(node["identifier"], how) == set(node.get(how, []))
    (approval,) = (node["approval"] for node in nodes if "approval" in node)
    assert approval.items() <= awx.named("workflow_approval_templates", approval["name"]).items()

    assert (after("deploy", "success_nodes"), after("deploy", "failure_nodes")) == ({"approve"}, set())
    assert (after("approve", "success_nodes"), after("approve", "failure_nodes")) == ({"promote"}, {"abort"})
    assert after("promote", "success_nodes") == after("abort", "success_nodes") == set()


def test_a_launch_by_the_api_needs_the_release_only(awx, set_up):
    status, job = launched(awx, "shop: deploy", {"bluegreen_release": "v2"})
    assert status == 201
    assert json.loads(job["extra_vars"]) == {"bluegreen_release": "v2", "bluegreen_target": "bluegreen"}
    status, job = launched(awx, "shop: roll back", {})
    assert json.loads(job["extra_vars"]) == {"bluegreen_release": "", "bluegreen_target": "bluegreen"}
    status, job = launched(awx, DATA["awx_workflow"]["name"], {"bluegreen_release": "v2"}, "workflow_job_templates")
    assert json.loads(job["extra_vars"])["bluegreen_target"] == "bluegreen"


@pytest.mark.parametrize(
    "answers, problem",
    [
        ({}, "'bluegreen_release' value missing"),
        ({"bluegreen_release": ""}, "'bluegreen_release' value  is too small (length is 0 must be at least 1)."),
        ({"bluegreen_release": 2}, "Value 2 for 'bluegreen_release' expected to be a string."),
        ({"bluegreen_release": None}, "Value None for 'bluegreen_release' expected to be a string."),
        ({"bluegreen_release": "v" * 129}, f"'bluegreen_release' value {'v' * 129} is too large"),
    ],
)
def test_awx_refuses_an_answer_before_the_role_sees_it(awx, set_up, answers, problem):
    status, said = launched(awx, "shop: deploy", answers)
    assert status == 400
    assert said["variables_needed_to_start"][0].startswith(problem)


def test_a_launch_sets_no_variable_that_the_survey_does_not_ask_for(awx, set_up):
    status, job = launched(awx, "shop: deploy", {"bluegreen_release": "v2", "bluegreen_app": "other"}, job_type="check")
    assert (status, job["job_type"]) == (201, "check")
    assert "bluegreen_app" not in json.loads(job["extra_vars"])
    assert job["ignored_fields"] == {"extra_vars": {"bluegreen_app": "other"}}


@pytest.mark.long
def test_a_second_run_changes_nothing(awx, set_up):
    before, writes = awx.everything(), len(awx.writes)
    assert set_up().succeeded().summary["localhost"]["changed"] == 0
    project = awx.named("projects", DATA["awx_project"]["name"])
    assert [(method, path) for method, path, _body in awx.writes[writes:]] == [("POST", project["related"]["update"])]
    assert awx.everything() == before


@pytest.mark.long
def test_what_was_changed_in_awx_is_made_right_again(awx, set_up):
    before = awx.everything()
    deploy = awx.named("job_templates", "shop: deploy")["id"]
    awx.objects["job_templates"][deploy].update(
        playbook="abort.yml", ask_job_type_on_launch=False, ask_variables_on_launch=True
    )
    awx.surveys["job_templates", deploy] = survey(TEMPLATES["shop: promote"]["survey"])
    awx.links["job_templates", deploy, "credentials"].clear()
    assert set_up().succeeded().summary["localhost"]["changed"] == 1
    assert awx.everything() == before


@pytest.mark.long
def test_a_project_is_updated_again_after_a_failed_update(run_setup):
    with AWX(None, admins={ADMIN: "Default"}) as awx:
        failed = run_setup(awx)
        assert failed.rc != 0 and failed.messages("localhost") == ["Project update failed"]
        awx.playbooks = PLAYBOOKS
        run_setup(awx).succeeded()
        assert awx.names("job_templates") == set(TEMPLATES)


@pytest.mark.long
def test_an_admin_of_another_organization_is_refused(awx, set_up):
    awx.tokens["other"] = next(key for key, each in awx.objects["organizations"].items() if each["name"] == "Other")
    before = awx.everything()
    refused = set_up(token="other")
    assert refused.rc != 0 and "expected 1" in refused.messages("localhost")[0]
    assert awx.everything() == before


@pytest.mark.long
def test_a_key_with_a_passphrase_is_refused(run_setup):
    with AWX(PLAYBOOKS, admins={ADMIN: "Default"}) as awx:
        refused = run_setup(awx, key=private_key(b"aes256-ctr"))
        assert refused.rc != 0 and "must be set when SSH key is encrypted" in refused.messages("localhost")[0]


@pytest.mark.long
def test_a_token_that_awx_does_not_take(awx, set_up):
    before = awx.everything()
    refused = set_up(token="wrong")
    assert refused.rc != 0 and "401" in refused.messages("localhost")[0]
    assert awx.everything() == before


def refusal(awx, collection, body, admin_of=None, below=""):
    """What the stand-in answers to a POST that it refuses: ``(status, body)``."""
    with pytest.raises(Refused) as refused:
        awx.asked("POST", f"/api/v2/{collection}/{below}", body, admin_of)
    return refused.value.args


def test_the_stand_in_keeps_organizations_apart():
    awx = AWX(PLAYBOOKS, ("Default", "Other"))
    ours, others = awx.objects["organizations"]
    awx.add("inventories", {"name": "shop", "organization": ours})
    awx.add("inventories", {"name": "shop", "organization": others})
    assert len(awx.some("inventories", "name=shop")) == 2
    assert len(awx.some("inventories", "name=shop", ours)) == 1
    assert refusal(awx, "inventories", {"name": "x", "organization": others}, ours)[0] == 403
    assert refusal(awx, "inventories", {"name": "shop", "organization": ours})[0] == 400


def test_the_stand_in_has_each_name_of_an_execution_environment_once():
    awx = AWX(PLAYBOOKS, ("Default", "Other"))
    ours, others = awx.objects["organizations"]
    environment = {"name": "hotswap", "image": "hotswap"}
    assert refusal(awx, "execution_environments", environment, ours)[0] == 403  # that of all organizations
    awx.add("execution_environments", {**environment, "organization": others})
    assert refusal(awx, "execution_environments", {**environment, "organization": ours}, ours)[0] == 400


def test_the_stand_in_refuses_cycles():
    awx = AWX(PLAYBOOKS)
    (ours,) = awx.objects["organizations"]
    workflow = awx.add("workflow_job_templates", {"name": "w", "organization": ours})["id"]
    nodes = [
        awx.add("workflow_job_template_nodes", {"identifier": name, "workflow_job_template": workflow})["id"]
        for name in "abc"
    ]
    for node, child in zip(nodes, nodes[1:]):
        awx.asked("POST", f"/api/v2/workflow_job_template_nodes/{node}/success_nodes/", {"id": child})
    for node, link, child, error in (
        (nodes[2], "always_nodes", nodes[0], "Cycle detected."),
        (nodes[0], "failure_nodes", nodes[0], "Cycle detected."),
        (nodes[0], "failure_nodes", nodes[1], "Relationship not allowed."),
    ):
        said = refusal(awx, "workflow_job_template_nodes", {"id": child}, below=f"{node}/{link}/")
        assert said == (400, {"Error": error})


def test_the_stand_in_checks_keys_and_takes_any_name_of_a_variable():
    awx = AWX(PLAYBOOKS)
    (ours,), (machine,) = awx.objects["organizations"], awx.objects["credential_types"]
    for inputs, field in (
        ({"ssh_key_data": KEY.replace("b3Bl", "b4Bl")}, "ssh_key_data"),
        ({"ssh_key_data": "no key"}, "ssh_key_data"),
        ({"ssh_key_data": private_key(b"aes256-ctr")}, "ssh_key_unlock"),
        ({"user": "deploy"}, "user"),
    ):
        credential = {"name": "c", "organization": ours, "credential_type": machine, "inputs": inputs}
        status, said = refusal(awx, "credentials", credential)
        assert (status, list(said["inputs"])) == (400, [field])
    question = {"question_name": "Q", "variable": "9 x!", "type": "text", "required": False}
    check_survey(survey([question]))
    with pytest.raises(Refused):
        check_survey(survey([question, question]))


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
