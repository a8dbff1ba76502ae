# Targets for contributors; `make help` lists them. PYTHON=… selects a Python other than python3.
.DEFAULT_GOAL := help
.PHONY: help setup tree shellcheck docker docker-down images demo demo-clean reference test lint sanity units integration molecule molecule-all e2e e2e-long ee bench bench-swap cases files soak matrix release-check clean

# Ansible needs a UTF-8 locale.
export LC_ALL := C.UTF-8
export PYTHON ?= python3

# The runs of make bench for each figure.
REPEATS ?= 5

# The swaps of make bench-swap, for each nginx and each way.
SWAPS ?= 120

check := .venv/bin/python tools/check.py
playbook := ANSIBLE_CONFIG=$(CURDIR)/ansible.cfg ANSIBLE_CALLBACK_RESULT_FORMAT=yaml ANSIBLE_DISPLAY_SKIPPED_HOSTS=false .venv/bin/ansible-playbook

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/setup.done ## install the tools (.venv) and the required collections (.collections)

.venv/setup.done: tools/setup.sh tools/requirements.txt collections/requirements.yml extensions/awx/requirements.yml
	tools/setup.sh

tree: ## copy the working tree to the path where Ansible finds the collection
	@tools/tree.sh

docker: ## start a Docker Engine with Compose v2, or install one
	tools/engine.sh up

docker-down: ## stop the Docker Engine, if make docker started it
	tools/engine.sh down

images: docker ## build or pull the images of the demo
	tools/images.sh demo

demo: setup tree docker images ## deploy, replace under load, reject a broken release, roll back
	$(playbook) tests/demo/demo.yml

demo-clean: setup tree docker ## remove everything that the demo created
	$(playbook) tests/demo/demo.yml -e demo_state=absent

reference: setup ## write docs/variables.md, docs/compose-keys.md and docs/messages.md
	.venv/bin/python tools/reference.py

shellcheck:
	@command -v shellcheck >/dev/null || tools/apt-install.sh shellcheck

test: setup tree ## run the stages lint, sanity, units, integration, molecule and e2e
	-@$(MAKE) --no-print-directory shellcheck
	@$(check)

lint: setup tree shellcheck ## ruff, yamllint, ansible-lint, antsibull, reuse, shellcheck
	@$(check) lint

sanity: setup tree shellcheck ## ansible-test sanity
	@$(check) sanity

units: setup tree ## ansible-test units
	@$(check) units

integration: setup tree ## ansible-test integration, on real Docker
	@$(check) images integration

molecule: setup tree ## molecule: a first deploy, on a host with its own Engine
	@$(check) images molecule

molecule-all: setup tree ## molecule: all scenarios
	@$(check) images molecule-all

e2e: setup tree ## pytest: whole ansible-playbook runs on real Docker and nginx
	@$(check) images e2e

e2e-long: setup tree ## e2e with the slow tests: a kill at each task, an nginx before 1.27
	@$(check) images e2e-long

ee: setup tree ## build the execution environment and run jobs in it as AWX does (docs/awx-and-ci.md)
	@$(check) ee-image ee

bench: setup tree docker ## measure the role beside its floors, in all or some PARTS (docs/benchmarks.md)
	@{ command -v /usr/sbin/sshd && command -v ab; } >/dev/null || tools/apt-install.sh openssh-server openssh-client procps apache2-utils
	tools/images.sh test
	.venv/bin/python tests/bench/bench.py --repeats=$(REPEATS) $(or $(PARTS),--out=docs/benchmarks.json)

bench-swap: setup tree docker ## measure what clients lose at SWAPS=120 swaps (docs/benchmarks.md)
	tools/images.sh test
	.venv/bin/python tests/bench/bench_swap.py --swaps=$(SWAPS)

cases: setup tree docker ## run each check and each kind of rollback once, under load (docs/tested.md)
	tools/images.sh test
	.venv/bin/python tests/soak/cases.py

files: setup tree docker ## deploy and roll back ordinary Compose files under load (docs/tested.md)
	tools/images.sh files
	.venv/bin/python tests/soak/files.py

soak: setup tree docker ## inject faults into deploys (docs/tested.md); restarts Docker, sets the clock, needs root
	@command -v /usr/sbin/sshd >/dev/null || tools/apt-install.sh openssh-server openssh-client procps
	tools/images.sh test
	.venv/bin/python tests/soak/soak.py $(if $(ONLY),--only="$(ONLY)")

release-check: setup tree docker images ## build the archive, install it with only its dependencies, deploy from it
	@.venv/bin/python tools/release_check.py

matrix: setup tree docker ## test each supported version of ansible-core, Docker Engine, Compose and nginx (docs/tested.md)
	tools/images.sh matrix
	.venv/bin/python tests/matrix/matrix.py $(ONLY)

clean: ## remove .venv, .collections and .cache
	rm -rf .venv .collections .cache
