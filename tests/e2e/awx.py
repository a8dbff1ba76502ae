# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for AWX: its HTTP API as far as the modules of awx.awx use it to make what extensions/awx/ makes.

AWX itself needs Kubernetes and images from a registry. What is here behaves as AWX 24 does: lookups by any field, what
must be given, defaults, secrets that are never shown, a project that is there only after its update, playbooks that
must be in it, the rules of a survey, links between nodes. Unknown fields are ignored, as there.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

TOKEN = "a-token-of-the-tests"
ENCRYPTED = "$encrypted$"
API = "/api/v2/"

# A collection: its fields with their defaults; ... where one must be given.
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
        "survey_enabled": False,
    },
    "workflow_job_template_nodes": {"identifier": ..., "workflow_job_template": ..., "unified_job_template": None},
    "workflow_approval_templates": {"name": ..., "description": "", "timeout": 0},
}
LINKS = {
    "job_templates": {"credentials": "credentials"},
    "workflow_job_template_nodes": dict.fromkeys(
        ("success_nodes", "failure_nodes", "always_nodes"), "workflow_job_template_nodes"
    ),
}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
QUESTION = {"type": str, "question_name": str, "variable": str, "required": bool}
TYPES = dict.fromkeys(("text", "textarea", "password", "multiplechoice", "multiselect"), str) | {
    "integer": int,
    "float": float,
}


class Refused(Exception):
    """An answer other than 2xx: its status and what it says."""


class AWX:
    """The server, for as long as the block runs; ``playbooks`` are those in the project's repository."""

    def __init__(self, playbooks):
        self.playbooks = playbooks
        self.objects = {collection: {} for collection in FIELDS}
        self.links = {}  # (collection, id, name): ids
        self.surveys = {}  # (collection, id): survey
        self.writes = []  # the requests that could change something
        self.last = 0
        self.add("organizations", {"name": "Default"})
        self.add("credential_types", {"name": "Machine", "kind": "ssh"})
        self.lock = threading.Lock()

    def __enter__(self):
        awx = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
                try:
                    if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                        raise Refused(401, {"detail": "Authentication credentials were not provided."})
                    with awx.lock:
                        status, said = awx.asked(self.command, self.path, body)
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

    def named(self, collection, name):
        """The object of that name, or of that identifier, as the API shows it."""
        (found,) = (
            each for each in self.objects[collection].values() if name in (each.get("name"), each.get("identifier"))
        )
        return self.shown(collection, found)

    def names(self, collection):
        return {each.get("name", each.get("identifier")) for each in self.objects[collection].values()}

    def linked(self, collection, name, link):
        """The names of what is linked to the object of that name."""
        other = LINKS[collection][link]
        ids = self.links.get((collection, self.named(collection, name)["id"], link), [])
        return {self.objects[other][each].get("name", self.objects[other][each].get("identifier")) for each in ids}

    def survey(self, collection, name):
        return self.surveys[collection, self.named(collection, name)["id"]]

    def everything(self):
        """All that is stored, secrets included, as a text."""
        links = sorted((key, sorted(ids)) for key, ids in self.links.items() if ids)
        return json.dumps([self.objects, links, sorted(self.surveys.items())], sort_keys=True)

    # What is asked

    def asked(self, method, path, body):
        """Return ``(status, what is said)`` of a request."""
        if method != "GET":
            self.writes.append((method, path, body))
        parts = urlsplit(path)
        words = parts.path[len(API) :].strip("/").split("/")
        collection = words[0]
        if words == ["unified_job_templates"] and method == "GET":
            kinds = [kind for kind in UNIFIED if set(dict(parse_qsl(parts.query))) <= set(FIELDS[kind])]
            return 200, self.page([self.shown(kind, each) for kind in kinds for each in self.some(kind, parts.query)])
        if collection not in FIELDS:
            raise Refused(404, {"detail": "Not found."})
        if len(words) == 1:
            if method == "GET":
                return 200, self.page([self.shown(collection, each) for each in self.some(collection, parts.query)])
            return 201, self.shown(collection, self.add(collection, body))
        found = self.objects[collection].get(int(words[1]))
        if found is None:
            raise Refused(404, {"detail": "Not found."})
        if len(words) == 2:
            if method == "PATCH":
                self.judge(collection, {**found, **body}, found)
                found.update({name: value for name, value in body.items() if name in FIELDS[collection]})
            return 200, self.shown(collection, found)
        return self.asked_below(method, collection, found, words[2], body)

    def asked_below(self, method, collection, found, below, body):
        key = (collection, found["id"])
        if below == "survey_spec" and collection in ("job_templates", "workflow_job_templates"):
            if method == "POST":
                check_survey(body)
                self.surveys[key] = body
            return 200, self.surveys.get(key, {})
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
                ids.append(body["id"])
            return 204, None
        raise Refused(404, {"detail": "Not found."})

    def page(self, found):
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def some(self, collection, query):
        """Those objects of the collection that a query asks for."""
        kind = collection[:-1]
        wanted = dict(parse_qsl(query))
        unknown = set(wanted) - set(FIELDS[collection]) - {"id", "type"}
        if unknown:
            raise Refused(400, {"detail": f"{collection} has no field {unknown}"})
        for each in self.objects[collection].values():
            if all(str({**each, "type": kind}[name]) == value for name, value in wanted.items()):
                yield each

    def add(self, collection, body):
        missing = [name for name, default in FIELDS[collection].items() if default is ... and name not in body]
        if missing:
            raise Refused(400, {name: ["This field is required."] for name in missing})
        self.judge(collection, body)
        self.last += 1
        made = {name: body.get(name, default) for name, default in FIELDS[collection].items()}
        made["id"] = self.last
        self.objects[collection][self.last] = made
        if made.get("scm_type") == "git":  # AWX begins to fetch it at once
            made["current_update"] = self.add("project_updates", {"project": made["id"]})["id"]
        return made

    def judge(self, collection, body, itself=None):
        """Refuse what AWX refuses of an object."""
        alike = [
            each
            for each in self.objects[collection].values()
            if each is not itself
            and each.get("name") == body.get("name")
            and all(each.get(key) == body.get(key) for key in ("organization", "identifier", "workflow_job_template"))
            and collection not in ("project_updates", "workflow_approval_templates")
        ]
        if alike:
            raise Refused(400, {"__all__": [f"{collection} with this name already exists."]})
        if collection == "job_templates":
            project = self.objects["projects"].get(body["project"], {})
            update = self.objects["project_updates"].get(project.get("current_update"), {})
            if update.get("status") != "successful" or body["playbook"] not in self.playbooks:
                raise Refused(400, {"playbook": ["Playbook not found for project."]})

    def shown(self, collection, found):
        """An object as the API shows it: with its address, and without its secrets."""
        url = f"{API}{collection}/{found['id']}/"
        said = {**found, "type": collection[:-1], "url": url, "related": {}, "summary_fields": {}}
        if collection == "credentials":
            inputs = found["inputs"].items()
            said["inputs"] = {key: ENCRYPTED if key == "ssh_key_data" else value for key, value in inputs}
        if collection in ("job_templates", "workflow_job_templates"):
            said["related"]["survey_spec"] = f"{url}survey_spec/"
        if collection == "projects":
            said["scm_revision"] = ""
            said["summary_fields"]["current_update"] = {"id": said.pop("current_update", None)}
        if collection == "project_updates" and found["status"] != "successful":  # it goes on as it is looked at
            found["status"] = {"pending": "running", "running": "successful"}[found["status"]]
        if collection == "workflow_job_template_nodes" and found["unified_job_template"]:
            kind = next(kind for kind in self.objects if found["unified_job_template"] in self.objects[kind])
            said["related"]["unified_job_template"] = f"{API}{kind}/{found['unified_job_template']}/"
        return said


def check_survey(survey):
    """Refuse a survey that AWX refuses."""

    def demand(true, error):
        if not true:
            raise Refused(400, {"error": error})

    for name, kind in (("name", str), ("description", str), ("spec", list)):
        demand(isinstance(survey.get(name), kind), f"Field '{name}' of the survey must be a {kind.__name__}.")
    demand(survey["spec"], "'spec' doesn't contain any items.")
    variables = [question.get("variable") for question in survey["spec"]]
    demand(len(variables) == len(set(variables)), "a variable is asked for twice")
    for question in survey["spec"]:
        for name, kind in QUESTION.items():
            demand(isinstance(question.get(name), kind), f"'{name}' of a survey question must be a {kind.__name__}.")
        demand(question["type"] in TYPES, f"'{question['type']}' is no type of question")
        demand(re.fullmatch(r"[A-Za-z_]\w*", question["variable"]), f"'{question['variable']}' is no variable")
        default = question.get("default", "")
        demand(
            default == "" or isinstance(default, TYPES[question["type"]]), f"the default {default!r} is of a wrong type"
        )
        for limit in ("min", "max"):
            demand(isinstance(question.get(limit), (int, type(None))), f"'{limit}' must be an integer")
