"""The real Keystone and Neutron on loopback, on SQLite, for the tests.

  servers.py prepare FOLDER
      writes configuration, schema, signing keys and the first administrator
  servers.py keystone FOLDER PORT
  servers.py neutron FOLDER PORT KEYSTONE_URL
      serves one of the two until it is killed

Run it with the Python of the virtual environment that .ci/install/openstack.sh makes.
"""

import os
import pathlib
import subprocess
import sys
import threading

import waitress

PASSWORD = "secret"

KEYSTONE_CONFIGURATION = """\
[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.sqlite
sqlite_synchronous = false
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/receipts
[credential]
key_repository = {folder}/credential
[token]
provider = fernet
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory
"""

# `fake://` needs no message broker and ml2 without mechanism drivers no agent: what is left is the API, its policies, its
# quotas and its database, which are all that the program talks to. Tokens are validated with every call (no cache), so that
# a revoked one is refused at once.
NEUTRON_CONFIGURATION = """\
[DEFAULT]
core_plugin = ml2
service_plugins = router
auth_strategy = keystone
transport_url = fake://
log_file = {folder}/neutron.log
state_path = {folder}
dhcp_agent_notification = false
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = sqlite:///{folder}/neutron.sqlite
sqlite_synchronous = false
[oslo_concurrency]
lock_path = {folder}/lock
[ml2]
type_drivers = local,flat
tenant_network_types = local
mechanism_drivers =
extension_drivers = port_security
[quotas]
quota_router_route = 30
[keystone_authtoken]
auth_type = password
auth_url = {keystone}
username = admin
password = {password}
project_name = admin
user_domain_name = Default
project_domain_name = Default
service_type = network
service_token_roles_required = false
token_cache_time = -1
"""


def prepare(folder):
    folder.mkdir(parents=True, exist_ok=True)
    configure_keystone(folder)
    configure_neutron(folder, "http://127.0.0.1:1/v3")
    manage = pathlib.Path(sys.executable).with_name("keystone-manage")
    options = ["--config-file", str(folder / "keystone.conf")]
    for command in (
        ["db_sync"],
        ["fernet_setup", "--keystone-user", str(os.getuid()), "--keystone-group", str(os.getgid())],
        ["bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", "RegionOne"],
    ):
        subprocess.run([manage, *options, *command], check=True)
    create_neutron_schema(folder)


def configure_keystone(folder):
    (folder / "keystone.conf").write_text(KEYSTONE_CONFIGURATION.format(folder=folder))


def configure_neutron(folder, keystone):
    (folder / "lock").mkdir(exist_ok=True)
    text = NEUTRON_CONFIGURATION.format(folder=folder, keystone=keystone, password=PASSWORD)
    (folder / "neutron.conf").write_text(text)
    # Without a policy file and paste file of its own Neutron takes those that its package brings.
    (folder / "api-paste.ini").write_bytes((pathlib.Path(sys.prefix) / "etc/neutron/api-paste.ini").read_bytes())


def create_neutron_schema(folder):
    """`neutron-db-manage` does not know SQLite; the models themselves do."""
    import sqlalchemy
    from neutron.db.migration.models import head

    engine = sqlalchemy.create_engine(f"sqlite:///{folder}/neutron.sqlite")
    head.get_metadata().create_all(engine)


def serve_keystone(folder, port):
    configure_keystone(folder)
    os.environ["OS_KEYSTONE_CONFIG_DIR"] = str(folder)
    sys.argv = ["keystone-wsgi-public"]
    from keystone.wsgi.api import application

    waitress.serve(application, host="127.0.0.1", port=port, threads=4)


def serve_neutron(folder, port, keystone):
    configure_neutron(folder, keystone)
    from oslo_service import backend

    backend.init_backend(backend.BackendType.THREADING)
    sys.argv = [
        "neutron-api", "--config-file", str(folder / "neutron.conf"),
        "--config-dir", str(folder / "neutron.conf.d"),
    ]
    (folder / "neutron.conf.d").mkdir(exist_ok=True)
    from neutron.wsgi.api import application

    spare_agents()
    # One thread: SQLite under several writers answers "database is locked".
    waitress.serve(application, host="127.0.0.1", port=port, threads=1)


def spare_agents():
    """No L3 agent is there to be chosen and told of each change of a router, which is a third of what a change costs."""
    import gc

    from neutron.api.rpc.agentnotifiers.l3_rpc_agent_api import L3AgentNotifyAPI

    L3AgentNotifyAPI._notification = lambda *_arguments, **_options: None
    # What is loaded by now stays: looking for garbage in it takes a good part of each call.
    gc.collect()
    gc.freeze()


def end_with_standard_input():
    """The test holds the other end of the pipe: should it be killed, no server is left behind."""
    def watch():
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def main(arguments):
    command, folder = arguments[0], pathlib.Path(arguments[1]).resolve()
    if command == "prepare":
        prepare(folder)
    elif command == "keystone":
        end_with_standard_input()
        serve_keystone(folder, int(arguments[2]))
    elif command == "neutron":
        end_with_standard_input()
        serve_neutron(folder, int(arguments[2]), arguments[3])
    else:
        sys.exit(f"Cannot do {command!r}: it is neither prepare, keystone nor neutron")


if __name__ == "__main__":
    main(sys.argv[1:])
