# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for AWX: the part of its HTTP API that the modules of awx.awx use to make what extensions/awx/ makes.

AWX itself needs Kubernetes and images from a registry. The stand-in answers as AWX 24.6.1 does: lookups by any field,
required fields, defaults, permissions of an organization's admin, names that are unique or not, secrets that are never
shown, ssh keys that are checked, project updates that end well or fail, playbooks that the project must have, the rules
of a survey and of a launch, links between nodes without cycles. AWX ignores unknown fields, and so does the stand-in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

TOKEN = "a-token-of-a-superuser"
ENCRYPTED = "$encrypted$"
API = "/api/v2/"

# A collection: its fields with their defaults; ... marks a required field.
FIELDS = {
    "organizations": {"name": ...},
    "credential_types": {"name": ..., "kind": ...},
    "credentials": {"name": ..., "description": "", "organization": None, "credential_type": ..., "inputs": {}},
    "execution_environments": {
        "name": ...,
        "description": "",
        "image": ...,
        "pull": "",
        "organization": None,
        "credential": None,
    },
    "projects": {
        "name": ...,
        "description": "",
        "organization": None,
        "scm_type": "",
        "scm_url": "",
        "scm_branch": "",
        "scm_update_on_launch": False,
        "default_environment": None,
    },
    "project_updates": {"project": ..., "status": "pending"},
    "inventories": {"name": ..., "description": "", "organization": ..., "kind": "", "host_filter": None},
    "inventory_sources": {
        "name": ...,
        "inventory": ...,
        "source": "",
        "source_project": None,
        "source_path": "",
        "execution_environment": None,
        "overwrite": False,
        "overwrite_vars": False,
        "update_on_launch": False,
    },
    "job_templates": {
        "name": ...,
        "description": "",
        "organization": None,
        "job_type": "run",
        "project": ...,
        "playbook": ...,
        "inventory": None,
        "execution_environment": None,
        "extra_vars": "---",
        "verbosity": 0,
        "ask_job_type_on_launch": False,
        "ask_diff_mode_on_launch": False,
        "ask_variables_on_launch": False,
        "survey_enabled": False,
    },
    "workflow_job_templates": {
        "name": ...,
        "description": "",
        "organization": None,
        "extra_vars": "---",
        "ask_variables_on_launch": False,
        "survey_enabled": False,
    },
    "workflow_job_template_nodes": {"identifier": ..., "workflow_job_template": ..., "unified_job_template": None},
    "workflow_approval_templates": {"name": ..., "description": "", "timeout": 0},
}
# A field: the collection of the object that it refers to.
REFERENCES = {
    "organization": "organizations",
    "credential_type": "credential_types",
    "credential": "credentials",
    "execution_environment": "execution_environments",
    "default_environment": "execution_environments",
    "project": "projects",
    "source_project": "projects",
    "inventory": "inventories",
    "workflow_job_template": "workflow_job_templates",
}
# A collection: the fields that are unique together.
UNIQUE = {
    "execution_environments": ("name",),
    "credentials": ("name", "organization", "credential_type"),
    "inventory_sources": ("name", "inventory"),
    "workflow_job_template_nodes": ("identifier", "workflow_job_template"),
    **dict.fromkeys(("projects", "inventories", "job_templates", "workflow_job_templates"), ("name", "organization")),
}
NODES = ("success_nodes", "failure_nodes", "always_nodes")
LINKS = {
    "job_templates": {"credentials": "credentials"},
    "workflow_job_template_nodes": dict.fromkeys(NODES, "workflow_job_template_nodes"),
}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
WITH_SURVEY = ("job_templates", "workflow_job_templates")
QUESTION = {"type": str, "question_name": str, "variable": str, "required": bool}
TYPES = dict.fromkeys(("text", "textarea", "password", "multiplechoice", "multiselect"), str) | {
    "integer": int,
    "float": float,
}
MACHINE_INPUTS = {
    "username",
    "password",
    "ssh_key_data",
    "ssh_public_key_data",
    "ssh_key_unlock",
    "become_method",
    "become_username",
    "become_password",
}


class Refused(Exception):
    """An answer other than 2xx: its status and its body."""


class AWX:
    """The server, for as long as the block runs.

    ``playbooks``: those in the project's repository, None if AWX can't fetch the repository; ``organizations``: their
    names; ``admins``: ``{token: the organization that its user administers}``.
    """

    def __init__(self, playbooks, organizations=("Default",), admins=()):
        self.playbooks = playbooks
        self.objects = {collection: {} for collection in FIELDS}
        self.links = {}  # (collection, id, name): ids
        self.surveys = {}  # (collection, id): survey
        self.writes = []  # the requests that could change something
        self.last = 0
        ids = {name: self.add("organizations", {"name": name})["id"] for name in organizations}
        self.tokens = {TOKEN: None, **{token: ids[name] for token, name in dict(admins).items()}}
        self.add("credential_types", {"name": "Machine", "kind": "ssh"})
        self.lock = threading.Lock()

    def __enter__(self):
        awx = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
                token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
                try:
                    if token not in awx.tokens:
                        raise Refused(401, {"detail": "Authentication credentials were not provided."})
                    with awx.lock:
                        status, said = awx.asked(self.command, self.path, body, awx.tokens[token])
                except Refused as refused:
                    status, said = refused.args
                data = b"" if said is None else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    # What tests look at

    def named(self, collection, name, organization="Default"):
        """The object of that organization with that name or identifier, as the API shows it."""
        (found,) = self.all_named(collection, name, organization)
        return self.shown(collection, found)

    def all_named(self, collection, name, organization="Default"):
        (wanted,) = (each["id"] for each in self.objects["organizations"].values() if each["name"] == organization)
        return [
            each
            for each in self.objects[collection].values()
            if name in (each.get("name"), each.get("identifier"))
            and self.organization_of(collection, each) in (wanted, None)
        ]

    def names(self, collection):
        return {each.get("name", each.get("identifier")) for each in self.objects[collection].values()}

    def linked(self, collection, name, link):
        """The objects that are linked to the object of that name."""
        other = LINKS[collection][link]
        ids = self.links.get((collection, self.named(collection, name)["id"], link), [])
        return [self.objects[other][each] for each in ids]

    def survey(self, collection, name):
        return self.surveys[collection, self.named(collection, name)["id"]]

    def everything(self):
        """All objects, secrets included, as a text; without the updates of projects, which come and go."""
        objects = {name: each for name, each in self.objects.items() if name != "project_updates"}
        links = sorted((key, sorted(ids)) for key, ids in self.links.items() if ids)
        return json.dumps([objects, links, sorted(self.surveys.items())], sort_keys=True)

    # Requests

    def asked(self, method, path, body, admin_of=None):
        """Return ``(status, body)`` of the answer; ``admin_of``: the user's organization, None for a superuser."""
        if method != "GET":
            self.writes.append((method, path, body))
        parts = urlsplit(path)
        words = parts.path[len(API) :].strip("/").split("/")
        collection = words[0]
        if words == ["unified_job_templates"] and method == "GET":
            kinds = [kind for kind in UNIFIED if {key for key, _value in parse_qsl(parts.query)} <= set(FIELDS[kind])]
            found = [(kind, each) for kind in kinds for each in self.some(kind, parts.query, admin_of)]
            return 200, self.page([self.shown(kind, each) for kind, each in found])
        if collection not in FIELDS:
            raise Refused(404, {"detail": "Not found."})
        if len(words) == 1:
            if method == "GET":
                found = self.some(collection, parts.query, admin_of)
                return 200, self.page([self.shown(collection, each) for each in found])
            return 201, self.shown(collection, self.add(collection, body, admin_of))
        found = self.objects[collection].get(int(words[1]))
        if found is None:
            raise Refused(404, {"detail": "Not found."})
        if not self.may(admin_of, collection, found, change=method != "GET"):
            raise Refused(403, {"detail": "You do not have permission to perform this action."})
        if len(words) == 2:
            if method == "PATCH":
                given = self.known(collection, body)
                self.check(collection, {**found, **given}, admin_of, found)
                found.update(given)
                if collection == "projects" and {"scm_url", "scm_branch"} & set(given):
                    self.begin_update(found)
            return 200, self.shown(collection, found)
        return self.asked_below(method, collection, found, words[2], body)

    def asked_below(self, method, collection, found, below, body):
        key = (collection, found["id"])
        if below == "survey_spec" and collection in WITH_SURVEY:
            if method == "POST":
                check_survey(body)
                self.surveys[key] = body
            return 200, self.surveys.get(key, {})
        if below == "launch" and collection in WITH_SURVEY and method == "POST":
            return 201, self.launch(collection, found, body)
        if below == "update" and collection == "projects" and method == "POST":
            update = self.begin_update(found)
            return 202, {"project_update": update["id"], **self.shown("project_updates", update)}
        if below == "create_approval_template" and collection == "workflow_job_template_nodes" and method == "POST":
            made = self.add("workflow_approval_templates", body)
            found["unified_job_template"] = made["id"]
            return 201, self.shown("workflow_approval_templates", made)
        if below in LINKS.get(collection, {}):
            ids = self.links.setdefault((*key, below), [])
            other = LINKS[collection][below]
            if method == "GET":
                return 200, self.page([self.shown(other, self.objects[other][each]) for each in ids])
            if body["id"] not in self.objects[other]:
                raise Refused(400, {"detail": "no such object"})
            if body.get("disassociate"):
                ids.remove(body["id"])
            elif body["id"] not in ids:
                if below in NODES:
                    self.check_link(found["id"], below, body["id"])
                ids.append(body["id"])
            return 204, None
        raise Refused(404, {"detail": "Not found."})

    def page(self, found):
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def some(self, collection, query, admin_of=None):
        """Those objects of the collection that the query asks for and the user may see."""
        wanted = parse_qsl(query)
        unknown = {key.removeprefix("or__") for key, _value in wanted} - set(FIELDS[collection]) - {"id", "type"}
        if unknown:
            raise Refused(400, {"detail": f"{collection} has no field {unknown}"})

        def equal(each, key, value):
            return str({**each, "type": collection[:-1]}[key]) == value

        either = [(key.removeprefix("or__"), value) for key, value in wanted if key.startswith("or__")]
        every = [(key, value) for key, value in wanted if not key.startswith("or__")]
        return [
            each
            for each in self.objects[collection].values()
            if self.may(admin_of, collection, each)
            and all(equal(each, *pair) for pair in every)
            and (not either or any(equal(each, *pair) for pair in either))
        ]

    def organization_of(self, collection, each):
        """The id of the organization that an object belongs to; None for an object of all of AWX."""
        if collection == "organizations":
            return each.get("id")
        for field, other in (
            ("project", "projects"),
            ("inventory", "inventories"),
            ("workflow_job_template", "workflow_job_templates"),
        ):
            if "organization" not in FIELDS[collection] and field in FIELDS[collection]:
                return self.objects[other].get(each.get(field), {}).get("organization")
        if collection == "workflow_approval_templates":
            nodes = self.objects["workflow_job_template_nodes"].values()
            owners = [node for node in nodes if node["unified_job_template"] == each.get("id")]
            return self.organization_of("workflow_job_template_nodes", owners[0]) if owners else None
        return each.get("organization")

    def may(self, admin_of, collection, each, change=False):
        """Whether an organization's admin may see, or change, an object; a superuser may."""
        organization = self.organization_of(collection, each)
        shared = collection in ("credential_types", "execution_environments") and organization is None
        return admin_of is None or organization == admin_of or (shared and not change)

    def known(self, collection, body):
        """The fields of the body that AWX has; it makes an empty text of null where a field holds a text."""
        return {
            name: "" if body[name] is None and default == "" else body[name]
            for name, default in FIELDS[collection].items()
            if name in body
        }

    def add(self, collection, body, admin_of=None):
        missing = [name for name, default in FIELDS[collection].items() if default is ... and name not in body]
        if missing:
            raise Refused(400, {name: ["This field is required."] for name in missing})
        made = {**FIELDS[collection], **self.known(collection, body)}
        if collection == "job_templates":
            made["organization"] = self.objects["projects"].get(made["project"], {}).get("organization")
        if not self.may(admin_of, collection, made, change=True):
            raise Refused(403, {"detail": "You do not have permission to perform this action."})
        self.check(collection, made, admin_of)
        self.last += 1
        made["id"] = self.last
        self.objects[collection][self.last] = made
        if collection == "projects":
            made.update(playbook_files=[], scm_revision="")
            if made["scm_type"] == "git":
                self.begin_update(made)
        return made

    def check(self, collection, body, admin_of=None, itself=None):
        """Refuse an object that AWX refuses."""
        for field, other in REFERENCES.items():
            value = body.get(field)
            if field in FIELDS[collection] and value is not None:
                found = self.objects[other].get(value)
                if found is None:
                    raise Refused(400, {field: [f'Invalid pk "{value}" - object does not exist.']})
                if not self.may(admin_of, other, found):
                    raise Refused(403, {"detail": "You do not have permission to perform this action."})
        unique = UNIQUE.get(collection, ())
        for each in self.objects[collection].values():
            if unique and each is not itself and all(each[field] == body.get(field) for field in unique):
                kind = collection[:-1].replace("_", " ").capitalize()
                fields = " and ".join(field.replace("_", " ").capitalize() for field in unique)
                raise Refused(400, {"__all__": [f"{kind} with this {fields} already exists."]})
        if collection == "credentials":
            check_machine(body["inputs"])
        if collection == "job_templates":
            if body["playbook"] not in self.objects["projects"][body["project"]]["playbook_files"]:
                raise Refused(400, {"playbook": ["Playbook not found for project."]})
            if body["inventory"] is None:
                raise Refused(400, {"inventory": ["You must either set a default value or ask to prompt on launch."]})

    def check_link(self, parent, link, child):
        """Refuse a link between nodes that is there in another way, or would close a cycle."""
        kind = "workflow_job_template_nodes"
        if any(child in self.links.get((kind, parent, other), []) for other in NODES if other != link):
            raise Refused(400, {"Error": "Relationship not allowed."})
        seen, ahead = set(), [child]
        while ahead:
            node = ahead.pop()
            if node == parent:
                raise Refused(400, {"Error": "Cycle detected."})
            if node not in seen:
                seen.add(node)
                ahead += [each for other in NODES for each in self.links.get((kind, node, other), [])]

    # Updates and launches

    def begin_update(self, project):
        update = self.add("project_updates", {"project": project["id"]})
        project["current_update"] = update["id"]
        return update

    def go_on(self, update):
        """Bring an update one step further; at its end the project has the playbooks of its repository, or has not."""
        if update["status"] in ("pending", "waiting"):
            update["status"] = "running"
        elif update["status"] == "running":
            project = self.objects["projects"][update["project"]]
            project.pop("current_update", None)
            update["status"] = "failed" if self.playbooks is None else "successful"
            if self.playbooks is not None:
                project["playbook_files"] = sorted(self.playbooks)
                project["scm_revision"] = hashlib.sha1(repr(project["playbook_files"]).encode()).hexdigest()

    def launch(self, collection, template, body):
        """Begin a job. AWX checks the answers; of a question without an answer it takes the default, unless the
        question is required. It ignores each variable that the survey does not ask for."""
        questions = []
        if template["survey_enabled"]:
            questions = self.surveys.get((collection, template["id"]), {}).get("spec", [])
        given = body.get("extra_vars") or {}
        problems = [problem for question in questions for problem in answer_problems(question, given)]
        if problems:
            raise Refused(400, {"variables_needed_to_start": problems})
        asked = {question["variable"] for question in questions}
        accepted = {key: value for key, value in given.items() if key in asked or template["ask_variables_on_launch"]}
        defaults = {question["variable"]: question["default"] for question in questions if "default" in question}
        defaults = {
            question["variable"]: defaults[question["variable"]]
            for question in questions
            if question["variable"] in defaults and not answer_problems(question, defaults)
        }
        own = json.loads(template["extra_vars"]) if template["extra_vars"].startswith("{") else {}
        ignored = {key: value for key, value in given.items() if key not in accepted}
        prompted = {"job_type": template.get("job_type")}
        if "job_type" in body and template.get("ask_job_type_on_launch"):
            prompted["job_type"] = body["job_type"]
        return {
            "job": self.last + 1,
            "ignored_fields": {"extra_vars": ignored} if ignored else {},
            "extra_vars": json.dumps({**own, **defaults, **accepted}),
            **prompted,
        }

    def shown(self, collection, found):
        """An object as the API shows it: with its address, and without its secrets."""
        url = f"{API}{collection}/{found['id']}/"
        said = {**found, "type": collection[:-1], "url": url, "related": {}, "summary_fields": {}}
        if collection == "credentials":
            inputs = found["inputs"].items()
            said["inputs"] = {key: ENCRYPTED if key == "ssh_key_data" else value for key, value in inputs}
        if collection in WITH_SURVEY:
            said["related"]["survey_spec"] = f"{url}survey_spec/"
        if collection == "projects":
            said["related"]["update"] = f"{url}update/"
            current = said.pop("current_update", None)
            if current:
                said["summary_fields"]["current_update"] = {"id": current}
        if collection == "project_updates":
            self.go_on(found)
            ended = found["status"] in ("successful", "failed")
            said.update(
                status=found["status"],
                failed=found["status"] == "failed",
                finished="2026-01-01T00:00:00Z" if ended else None,
                event_processing_finished=ended,
                scm_revision=self.objects["projects"][found["project"]]["scm_revision"],
            )
        if collection == "workflow_job_template_nodes" and found["unified_job_template"]:
            kind = next(kind for kind in self.objects if found["unified_job_template"] in self.objects[kind])
            said["related"]["unified_job_template"] = f"{API}{kind}/{found['unified_job_template']}/"
        return said


def check_machine(inputs):
    """Refuse inputs of a credential of the kind Machine that AWX refuses."""
    unknown = sorted(set(inputs) - MACHINE_INPUTS)
    if unknown:
        error = f"Additional properties are not allowed ({', '.join(map(repr, unknown))} were unexpected)"
        raise Refused(400, {"inputs": {unknown[0]: [error]}})
    key = inputs.get("ssh_key_data")
    if key is None:
        return
    if not inputs.get("ssh_key_unlock") and is_encrypted(key):
        raise Refused(400, {"inputs": {"ssh_key_unlock": ["must be set when SSH key is encrypted."]}})


def is_encrypted(key):
    """Whether a private key needs a passphrase. Raises Refused if the text is no private key."""
    found = re.fullmatch(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----\n(.+)\n-----END \1-----\n?", key, re.DOTALL)
    try:
        data = base64.b64decode("".join(found[2].split()), validate=True) if found else b""
    except binascii.Error:
        data = b""
    if not data or (found[1] == "OPENSSH PRIVATE KEY" and not data.startswith(b"openssh-key-v1\0")):
        raise Refused(400, {"inputs": {"ssh_key_data": ["Invalid certificate or key: ..."]}})
    if found[1] == "OPENSSH PRIVATE KEY":
        return not data.startswith(b"openssh-key-v1\0\0\0\0\4none")
    return "ENCRYPTED" in found[1]


def check_survey(survey):
    """Refuse a survey that AWX refuses. The name of a variable may be any text."""

    def demand(true, error):
        if not true:
            raise Refused(400, {"error": error})

    for name, kind in (("name", str), ("description", str), ("spec", list)):
        demand(name in survey, f"Field '{name}' is missing from survey spec.")
        demand(isinstance(survey[name], kind), f"Field '{name}' of the survey must be a {kind.__name__}.")
    demand(survey["spec"], "'spec' doesn't contain any items.")
    variables = [question.get("variable") for question in survey["spec"]]
    for index, question in enumerate(survey["spec"]):
        for name, kind in QUESTION.items():
            demand(name in question, f"'{name}' missing from survey question {index}")
            demand(isinstance(question[name], kind), f"'{name}' in survey question {index} expected to be {kind}.")
        variable = question["variable"]
        demand(variables.index(variable) == index, f"'variable' '{variable}' duplicated in survey question {index}.")
        demand(question["type"] in TYPES, f"'{question['type']}' in survey question {index} is not one of the types.")
        default = question.get("default", "")
        demand(
            default == "" or isinstance(default, TYPES[question["type"]]),
            f"Default value {default} in survey question {index} expected to be of the question's type.",
        )
        for limit in ("min", "max"):
            demand(
                isinstance(question.get(limit), (int, type(None))),
                f"The {limit} limit in survey question {index} expected to be integer.",
            )


def answer_problems(question, answers):
    """Return what AWX finds wrong with the answer to a question of the type text."""
    variable = question["variable"]
    if variable not in answers:
        return [f"'{variable}' value missing"] if question["required"] else []
    value = answers[variable]
    if not isinstance(value, str):
        return [f"Value {value} for '{variable}' expected to be a string."]
    least, most = question.get("min"), question.get("max")
    if least is not None and len(value) < least:
        return [f"'{variable}' value {value} is too small (length is {len(value)} must be at least {least})."]
    if most is not None and len(value) > most:
        return [f"'{variable}' value {value} is too large (must be no more than {most})."]
    return []
