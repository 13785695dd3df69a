import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DriverError } from '#drivers/error.js';
import { startLibvirtd } from '#test/peers/libvirtd.js';
import { checkAccess, explained } from './access.js';
import { connectLibvirt } from './connect.js';
import { Daemon } from './daemon.js';
import { connectLibvirtDriver } from './driver.js';

const signal = AbortSignal.timeout(100_000);
const user = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
// Of who may use KVM: else the daemon finds out about its emulators anew, and all other daemons of the tests after it.
const group = existsSync('/dev/kvm') ? statSync('/dev/kvm').gid : Number(execFileSync('id', ['-g', 'nobody'], { encoding: 'utf8' }));
// As on any distribution QEMU is not root, and libvirt gives it the files; here, where told so, it does not.
const daemon = await startLibvirtd({ qemuConfig: `user = "+${user}"\ngroup = "+${group}"\ndynamic_ownership = 0\n` }, signal);
const driver = await connectLibvirtDriver(daemon.uri, undefined, { signal });
t.teardown(async () => {
  await driver[Symbol.asyncDispose]();
  await daemon.stop();
});
// What QEMU itself needs it can get at.
chmodSync(daemon.directory, 0o755);

function file(name: string, { folder = 0o755, mode = 0o600, uid = 0 } = {}): string {
  const directory = join(daemon.directory, name);
  mkdirSync(directory);
  const path = join(directory, 'disk.raw');
  writeFileSync(path, Buffer.alloc(1 << 20));
  chmodSync(path, mode);
  chownSync(path, uid, uid === 0 ? 0 : group);
  chmodSync(directory, folder);
  return path;
}

/** As libvirt passes on what QEMU says. */
const refused = (path: string) =>
  `internal error: process exited while connecting to monitor: qemu-system-x86_64: -blockdev {}: Could not open '${path}': Permission denied`;
const connection = await connectLibvirt(daemon.uri, {}, signal);
t.teardown(() => connection[Symbol.asyncDispose]());
const told = async (message: string, answerMs = 60_000) =>
  (await explained(new Daemon(connection), new DriverError('Internal', message), signal, { answerMs })) as DriverError;

t.test('where nobody could look in time, nothing is said of the file', async (t) => {
  const unseen = await told(refused(file('unseen')), 1);
  t.match(unseen, { code: 'Denied', message: /see on the host whether the user that QEMU runs as may search/ });
});

t.test('a disk that QEMU may not open says which file or directory hinders, and the remedy', async (t) => {
  const closed = await told(refused(file('closed', { folder: 0o700, uid: user })));
  t.equal(closed.code, 'Denied');
  t.match(
    closed.message,
    new RegExp(
      `Permission denied: QEMU runs as ${user}:${group}, which may not search .*/closed \\(mode 700, owner 0:0\\); let it \\("chmod o\\+x .*/closed"\\)`,
    ),
  );
  t.match(await told(refused(file('roots'))), {
    code: 'Denied',
    message: /which may not read .*\/roots\/disk.raw \(mode 600, owner 0:0\); set dynamic_ownership = 1 in qemu.conf.*or "chown/,
  });
  t.match(await told(refused(file('read-only', { mode: 0o644 }))), { message: /which may not write to .*disk.raw \(mode 644/ });
  t.match(await told(refused(file('right', { uid: user }))), {
    code: 'Denied',
    message: /are not what hinders, so AppArmor or SELinux is likely/,
  });
});

t.test('a pool whose directory QEMU may not search is not started, and says so', async (t) => {
  const path = join(file('hidden', { folder: 0o700 }), '..', 'pool');
  const pools = driver.pools;
  if (pools === undefined) throw new Error('libvirt has no pools');
  const id = await pools.define(
    { uuid: '7d4c2f1e-bbbb-4000-8000-000000000001', nativeName: 'hidden', source: { kind: 'directory', path } },
    signal,
  );
  await t.rejects(pools.start(id, signal), {
    code: 'Denied',
    message: /pool "hidden" at .*: QEMU runs as .* may not search .*\/hidden \(mode 700/,
  });
  chmodSync(join(path, '..'), 0o711);
  await pools.start(id, signal);
  t.match(
    (await pools.list(signal)).find((one) => one.id === id),
    { active: true },
  );
  await pools.undefine(id, signal);
});

t.test('who cannot ask as another user says so, and calls neither the file nor the labels to blame', async (t) => {
  const path = file('unasked', { folder: 0o700, uid: user });
  await t.test('a program that is not root', async (t) => {
    t.intercept(process, 'getuid', { value: () => user });
    t.match(await told(refused(path)), {
      code: 'Denied',
      message: new RegExp(
        `QEMU runs as ${user}:${group}; whether that user may search .*unasked is unknown \\(this program is not root.*see on the host whether`,
      ),
    });
    await checkAccess(new Daemon(connection), 'unasked', join(path, '..'), signal);
  });
  await t.test('root that may not become somebody else, as in a container', async (t) => {
    standIn(t, 'setpriv', 'echo "setpriv: setresuid failed: Operation not permitted" >&2; exit 1');
    t.match(await told(refused(path)), { message: /may search .*unasked is unknown \(setpriv could not ask: .*Operation not permitted\)/ });
    await checkAccess(new Daemon(connection), 'unasked', join(path, '..'), signal);
  });
  await t.test('a path that is not to be seen', async (t) => {
    const far = join(path, '..', '..', 'far');
    t.match(await told(refused(join(far, 'disk.raw'))), { message: /may search .*\/far is unknown \(it is not to be seen from here\)/ });
    await checkAccess(new Daemon(connection), 'far', far, signal);
  });
  t.match(await told(refused(path)), { message: /which may not search .*unasked/ }, 'who can, does');
});

/** Before that of the host there is this program, for as long as the test runs. */
function standIn(t: Test, program: string, script: string): void {
  const folder = mkdtempSync(join(daemon.directory, 'programs-'));
  writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  t.teardown(() => {
    process.env['PATH'] = path;
  });
}

t.test('a directory that does not answer is no reason to wait for ever', async (t) => {
  standIn(t, 'stat', 'exec sleep 20');
  await t.rejects(checkAccess(new Daemon(connection), 'far', '/srv/far', signal, { answerMs: 200 }), {
    code: 'TimedOut',
    message: /pool "far" at \/srv\/far: the directory does not answer/,
  });
});

t.test('what a host says when it is a matter of labels or of the store gets its remedy; other words stay as they are', async (t) => {
  const connection = await connectLibvirt(daemon.uri, {}, signal);
  const told = async (message: string) =>
    (await explained(new Daemon(connection), new DriverError('Internal', message), signal, { answerMs: 60_000 })) as DriverError;
  t.match(await told("unable to set user and group to '64055:64055' on '/nfs/a': Operation not permitted"), {
    code: 'Denied',
    message: /no_root_squash/,
  });
  t.match(await told("internal error: cannot load AppArmor profile 'libvirt-x'"), {
    code: 'Denied',
    message: /apparmor="DENIED" in the kernel log/,
  });
  t.match(await told("unable to set security context 'x' on '/nfs/a': Operation not supported"), {
    code: 'Denied',
    message: /virt_use_nfs/,
  });
  t.match(await told("Could not open '/etc/hostname': Permission denied"), {
    code: 'Denied',
    message: /AppArmor or SELinux|may not write/,
  });
  t.match(await told('no such machine'), { code: 'Internal', message: 'no such machine' });
});
