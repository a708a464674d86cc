"""A real WordPress on loopback: Debian's, with MariaDB behind it and PHP's own web server before it.

What it saves against a site in production: no theme and no plug-ins but one of a few lines that makes PHP fail when a
test asks for it, no copy of WordPress' own code (linked, but for the files whose place says where the site is), and a
database that flushes nothing to disk and is reached by a socket only. Its REST API, users, rights and pictures' sizes
are WordPress'.
"""

import base64
import contextlib
import json
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from tests.servers.processes import Processes, answers, free_ports

PACKAGES = "wordpress mariadb-server php-cli php-mysql php-gd php-xml php-mbstring php-curl"
"""Debian's, which it is made of."""
BINARIES = ("mariadbd", "mariadb-install-db", "php")
_CODE = Path("/usr/share/wordpress")

_CONFIGURATION = """\
<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $of) {{
    define($of . '_KEY', 'a key of tests');
    define($of . '_SALT', 'a salt of tests');
}}
define('WP_HOME', '{url}');
define('WP_SITEURL', '{url}');
define('WP_ENVIRONMENT_TYPE', 'local');  // application passwords without https
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('MEDIA_TRASH', true);
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""

_PLUGIN = """\
<?php  // while the file holds a number, so many times PHP ends as it does when its memory or time is used up
add_filter('intermediate_image_sizes_advanced', function ($sizes) {
    $file = WP_CONTENT_DIR . '/fatal-errors';
    $left = (int) @file_get_contents($file);
    if ($left > 0) {
        file_put_contents($file, $left - 1);
        there_is_no_such_function();
    }
    return $sizes;
});
"""

_INSTALLATION = """\
<?php
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = '127.0.0.1';
function wp_mail() { return false; }
require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('Studio', 'admin', 'admin@example.org', true, '', wp_generate_password());
wp_insert_user(['user_login' => 'author', 'user_pass' => wp_generate_password(), 'role' => 'author']);
wp_insert_user(['user_login' => 'reader', 'user_pass' => wp_generate_password(), 'role' => 'subscriber']);
update_option('permalink_structure', '/%postname%/');
$passwords = [];
foreach (['admin', 'author', 'reader'] as $name) {
    $user = get_user_by('login', $name)->ID;
    $passwords[$name] = WP_Application_Passwords::create_new_application_password($user, ['name' => 'Darkroom'])[0];
}
file_put_contents($argv[2], json_encode($passwords));
"""

_ROUTER = """\
<?php  // files are served as they are, everything else is WordPress'
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path !== '/' && is_file($_SERVER['DOCUMENT_ROOT'] . rawurldecode($path))) {
    return false;
}
$_SERVER['SCRIPT_NAME'] = '/index.php';
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
"""

_DATABASE = (
    *("--skip-networking", "--skip-log-bin", "--skip-performance-schema", "--skip-name-resolve"),
    *("--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite", "--innodb-log-file-size=8M"),
)


@dataclass(frozen=True, slots=True)
class WordPressServer:
    """A site at `url` (without a slash at its end) and its administrator's application password."""

    url: str
    password: str = field(repr=False)
    others: dict[str, str] = field(repr=False)
    """The application passwords of `author`, who may post but not write any HTML, and `reader`, who may not post."""
    content: Path
    """Its folder wp-content."""
    user: str = "admin"

    def variables(self, user: str = "admin") -> dict[str, str]:
        """The environment variables with which Darkroom is one of its users."""
        password = self.password if user == self.user else self.others[user]
        return {"WORDPRESS_USER": user, "WORDPRESS_APPLICATION_PASSWORD": password}

    def ask(self, method: str, route: str, body: dict[str, Any] | None = None) -> Any:
        """What the REST API answers the administrator: `route` is such as `media?search=a`."""
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        answer = urllib3.request(method, f"{self.url}/wp-json/wp/v2/{route}", headers=headers, json=body, retries=False)
        assert answer.status < 300, f"{method} {route}: {answer.status} {answer.data[:500]!r}"
        return answer.json()

    def media(self) -> list[dict[str, Any]]:
        """Everything in the media library, the trash too, the oldest first."""
        return self._all("media", "inherit,private,trash")

    def posts(self) -> list[dict[str, Any]]:
        """Every post but WordPress' own first one, the oldest first."""
        posts = self._all("posts", "publish,future,draft,pending,private,trash")
        return [post for post in posts if post["id"] != 1]

    def file_of(self, media: dict[str, Any]) -> Path:
        """The file behind a media's URL."""
        return self.content / str(media["source_url"]).partition("/wp-content/")[2]

    def fail(self, times: int) -> None:
        """So many times PHP ends with a fatal error, when an upload is stored and its smaller sizes are not."""
        (self.content / "fatal-errors").write_text(str(times))

    def _all(self, kind: str, statuses: str) -> list[dict[str, Any]]:
        route = f"{kind}?context=edit&per_page=100&orderby=id&order=asc&status={statuses}"
        found: list[dict[str, Any]] = self.ask("GET", route)
        return found


def available() -> bool:
    """Whether WordPress and what it needs are installed."""
    return all(shutil.which(binary) for binary in BINARIES) and (_CODE / "wp-load.php").is_file()


@contextmanager
def wordpress(folder: Path) -> Iterator[WordPressServer]:
    """A fresh, empty site with its data and logs in `folder`."""
    folder = folder.resolve()
    port = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with contextlib.ExitStack() as stack:
        # a socket's path has 107 bytes at most, of which a test's folder may take more
        socket = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wp-"))) / "db"
        site = _site(folder, url, socket)
        # one process at its port: PHP_CLI_SERVER_WORKERS would leave its workers behind
        environment = {name: value for name, value in os.environ.items() if name != "PHP_CLI_SERVER_WORKERS"}
        processes = stack.enter_context(Processes(folder / "log", environment))
        _start_database(processes, folder, socket)
        passwords = folder / "passwords.json"
        processes.run("install", ["php", str(folder / "install.php"), str(site), str(passwords)])
        limits = ["upload_max_filesize=64M", "post_max_size=64M", "memory_limit=256M", "display_errors=0"]
        options = [part for limit in limits for part in ("-d", limit)]
        router = str(folder / "router.php")
        processes.start("php", ["php", *options, "-S", f"127.0.0.1:{port}", "-t", str(site), router])
        processes.wait_until(lambda: answers(f"{url}/wp-json/"), "WordPress")
        others = json.loads(passwords.read_text())
        yield WordPressServer(url, others.pop("admin"), others, site / "wp-content")


def _site(folder: Path, url: str, socket: Path) -> Path:
    site = folder / "site"
    for name in ("themes", "plugins", "uploads", "mu-plugins"):
        (site / "wp-content" / name).mkdir(parents=True)
    for name in ("wp-admin", "wp-includes"):
        (site / name).symlink_to(_CODE / name)
    for file in _CODE.glob("*.php"):  # each takes its own folder for the site's
        shutil.copyfile(file, site / file.name)
    (site / "wp-config.php").write_text(_CONFIGURATION.format(socket=socket, url=url))
    (site / "wp-content" / "mu-plugins" / "failing.php").write_text(_PLUGIN)
    (folder / "install.php").write_text(_INSTALLATION)
    (folder / "router.php").write_text(_ROUTER)
    return site


def _start_database(processes: Processes, folder: Path, socket: Path) -> None:
    user, data = f"--user={pwd.getpwuid(os.getuid()).pw_name}", f"--datadir={folder / 'db'}"  # also where that is root
    ways = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    processes.run("database-install", ["mariadb-install-db", "--no-defaults", user, data, *ways])
    first = folder / "first.sql"
    first.write_text("CREATE DATABASE wordpress CHARACTER SET utf8mb4;\n")
    own = [f"--socket={socket}", f"--pid-file={folder / 'db.pid'}", f"--init-file={first}"]
    processes.start("database", ["mariadbd", "--no-defaults", user, data, *own, *_DATABASE])
    processes.wait_until(socket.exists, "MariaDB")
