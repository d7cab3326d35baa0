/** The texts of the Debian package: control file, maintainer scripts, its user and folders. */

const MAINTAINER = 'The holdfast developers <holdfast@localhost.localdomain>';

/**
 * deb-control(5). Node needs the C and C++ libraries of Debian 11 or later; the rest is what the sources of a
 * configuration need, so a host installs only what it backs up.
 *
 * @param kib - installed size
 */
export function controlFile(version: string, architecture: string, kib: number): string {
  return `Package: holdfast
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kib}
Depends: libc6 (>= 2.31), libgcc-s1, libstdc++6, systemd | systemd-standalone-sysusers
Recommends: ca-certificates
Suggests: postgresql-client, default-mysql-client, gnupg, zstd
Section: admin
Priority: optional
Description: encrypted database backups that can forget a person
 holdfast dumps PostgreSQL, MySQL, MariaDB, SQLite, Redis and folders of files,
 and stores in a folder or a bucket (S3) only what is new. Everything leaves the
 host as OpenPGP; the host cannot read its own backups. One person can be erased
 from every backup that exists, with a signed receipt.
`;
}

/** deb-changelog(5) */
export function changelog(version: string, released: Date): string {
  const date = released.toUTCString().replace('GMT', '+0000');
  return `holdfast (${version}) stable; urgency=medium

  * What is new is in CHANGELOG.md.

 -- ${MAINTAINER}  ${date}
`;
}

/** sysusers.d(5): the user that backs up. */
export const SYSUSERS = `u holdfast - "encrypted backups" /var/lib/holdfast\n`;

/** Makes the user and the folders. The timer is not started: there is no configuration yet. */
export const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
    systemd-sysusers holdfast.conf
    install -d -o holdfast -g holdfast -m 0750 /etc/holdfast
    install -d -o holdfast -g holdfast -m 0700 /var/lib/holdfast
    if [ -d /run/systemd/system ]; then
        systemctl daemon-reload || true
    fi
fi
`;

/** Keys, configuration and the user stay, also after a purge of the package: without keys, backups are lost. */
export const POSTRM = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
fi
`;

/** Debian's machine-readable form (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/). */
export const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: holdfast

Files: *
Copyright: 2026 the holdfast developers
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.

Files: usr/bin/holdfast
Copyright: 2026 the holdfast developers; the authors of Node.js and of the npm packages inside
License: Apache-2.0 and MIT and others
 The executable is Node.js (https://github.com/nodejs/node/blob/main/LICENSE) with holdfast and the npm packages of its
 package-lock.json, most of them under MIT, ISC, BSD or Apache-2.0. OpenPGP.js among them is under LGPL-3.0-or-later:
 holdfast is published with everything that it takes to build the executable with another version of it
 (npm run build:single).
`;
