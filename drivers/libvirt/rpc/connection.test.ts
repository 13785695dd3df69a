import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type Libvirtd, startLibvirtd } from '#test/peers/libvirtd.js';
import { connectLibvirt } from '../connect.js';
import type { Connection } from './connection.js';
import { isLibvirt } from './driver-error.js';
import { createFlags, domainChanges, domainStates, poolChanges, poolCreateFlags, statsFlags, undefineFlags } from './flags.js';
import * as rpc from './procedures.js';
import { domainByUuid, type PoolHandle, paramsByField, poolByUuid, type VolumeHandle } from './types.js';

const forever = new AbortController().signal;
const control = { lane: 'control' } as const;
const slow = { lane: 'slow' } as const;

/** Prints ">" on the first serial port, then sends back whatever comes in on it. */
const bootSector = Buffer.concat([
  Buffer.from('b03ebaf803eebafd03eca80174fbb2f8eceeebf2', 'hex'),
  Buffer.alloc(490),
  Buffer.from('55aa', 'hex'),
]);

function machineXml(name: string, uuid: string, devices = ''): string {
  return `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>32</memory>
    <os><type arch='x86_64'>hvm</type></os><devices>${devices}</devices></domain>`;
}

function testMachineXml(name: string, uuid: string): string {
  return `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid><memory>8192</memory><os><type>hvm</type></os></domain>`;
}

async function startDirectoryPool(connection: Connection, directory: string, name: string): Promise<PoolHandle> {
  const xml = `<pool type='dir'><name>${name}</name><target><path>${directory}/${name}</path></target></pool>`;
  const pool = await connection.call(rpc.storagePoolDefineXml, { xml, flags: 0 }, slow, forever);
  await connection.call(rpc.storagePoolCreate, { pool, flags: poolCreateFlags.withBuild }, slow, forever);
  return pool;
}

async function createVolume(connection: Connection, pool: PoolHandle, name: string, capacity: number): Promise<VolumeHandle> {
  const xml = `<volume><name>${name}</name><capacity>${capacity}</capacity><allocation>0</allocation></volume>`;
  return await connection.call(rpc.storageVolCreateXml, { pool, xml, flags: 0 }, slow, forever);
}

function whole(volume: VolumeHandle) {
  return { volume, offset: 0, length: 0, flags: 0 };
}

/** In pieces of all sizes. */
async function* pieces(content: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0, length = 1; start < content.length; start += length, length = (length * 7) % 1_000_003)
    yield content.subarray(start, start + length);
}

async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** The events after the first gap, which says that from now on none is missed. */
async function watch(connection: Connection, signal: AbortSignal): Promise<AsyncIterator<rpc.RpcEvent>> {
  const events = connection.events(signal)[Symbol.asyncIterator]();
  assert.deepEqual((await events.next()).value, { kind: 'gap' });
  return events;
}

async function untilEvent(events: AsyncIterator<rpc.RpcEvent>, isIt: (event: rpc.RpcEvent) => boolean): Promise<void> {
  for (let next = await events.next(); !next.done; next = await events.next()) if (isIt(next.value)) return;
  throw new Error('the events ended');
}

async function pidOfMachine(daemon: Libvirtd, name: string): Promise<number> {
  for (const pid of await daemon.processes())
    if ((await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')).includes(`guest=${name},`)) return pid;
  throw new Error(`no process of ${name}`);
}

t.test('against a real daemon', async (t) => {
  const daemon = await startLibvirtd();
  t.teardown(() => daemon.stop());
  const qemu = await connectLibvirt(daemon.uri, {}, forever);
  const pretended = await connectLibvirt(daemon.testUri, {}, forever);
  t.teardown(() => Promise.all([qemu[Symbol.asyncDispose](), pretended[Symbol.asyncDispose]()]));

  t.test('the host tells what it is', async (t) => {
    const ask = <T>(procedure: Parameters<typeof qemu.call<void, T>>[0]) => qemu.call(procedure, undefined, control, forever);
    t.equal(await ask(rpc.connectGetType), 'QEMU');
    t.equal(await pretended.call(rpc.connectGetType, undefined, control, forever), 'TEST');
    t.ok((await ask(rpc.connectGetVersion)) >= 1_000_000);
    t.ok((await ask(rpc.connectGetLibVersion)) >= 1_000_000);
    t.equal(await ask(rpc.connectGetHostname), (await daemon.virsh('hostname')).trim());
    t.equal((await ask(rpc.connectGetCapabilities)).trim(), (await daemon.virsh('capabilities')).trim());
    const node = await ask(rpc.nodeGetInfo);
    t.match(
      await daemon.virsh('nodeinfo'),
      new RegExp(`CPU model: +${node.model}\nCPU\\(s\\): +${node.cpus}\n(.*\n)*Memory size: +${node.memory} KiB`),
    );
    t.ok((await ask(rpc.nodeGetFreeMemory)) < node.memory * 1024);
    const xml = await qemu.call(rpc.connectGetDomainCapabilities, { arch: 'x86_64', virtType: 'qemu', flags: 0 }, control, forever);
    t.match(xml, /<domain>qemu<\/domain>/);
    await t.rejects(pretended.call(rpc.connectGetDomainCapabilities, { flags: 0 }, control, forever), { code: 'Unsupported' });
  });

  t.test('a pretended machine goes through its life, and its events tell', async (t) => {
    const uuid = randomUUID();
    const domain = domainByUuid(uuid);
    const enough = new AbortController();
    const events = await watch(pretended, enough.signal);
    const changed = (change: keyof typeof domainChanges) =>
      untilEvent(
        events,
        (event) =>
          event.kind === 'domain' && event.event === 'lifecycle' && event.domain.uuid === uuid && event.change === domainChanges[change],
      );
    const state = async () => (await pretended.call(rpc.domainGetState, { domain, flags: 0 }, control, forever)).state;

    const defined = await pretended.call(rpc.domainDefineXmlFlags, { xml: testMachineXml('life', uuid), flags: 0 }, control, forever);
    t.match(defined, { name: 'life', uuid });
    await changed('defined');
    t.equal(await state(), domainStates.shutOff);
    t.same(await pretended.call(rpc.domainLookupByName, { name: 'life' }, control, forever), defined);
    t.same(await pretended.call(rpc.domainLookupByUuid, { uuid }, control, forever), defined);
    const listed = await pretended.call(rpc.connectListAllDomains, { flags: 0 }, control, forever);
    t.same(listed.map(({ name }) => name).toSorted(), ['life', 'test']);

    await pretended.call(rpc.domainCreateWithFlags, { domain, flags: 0 }, slow, forever);
    await changed('started');
    t.equal(await state(), domainStates.running);
    await pretended.call(rpc.domainSuspend, { domain }, slow, forever);
    await changed('suspended');
    t.equal(await state(), domainStates.paused);
    await pretended.call(rpc.domainResume, { domain }, slow, forever);
    await t.rejects(pretended.call(rpc.domainCreateWithFlags, { domain, flags: 0 }, slow, forever), { message: /already running/ });
    await pretended.call(rpc.domainSetMetadata, { domain, type: 1, metadata: 'A title', flags: 2 }, control, forever);
    t.match(await pretended.call(rpc.domainGetXmlDesc, { domain, flags: 2 }, control, forever), /<title>A title<\/title>/);
    await pretended.call(rpc.domainDestroyFlags, { domain, flags: 0 }, slow, forever);
    await changed('stopped');
    await pretended.call(rpc.domainUndefineFlags, { domain, flags: 0 }, control, forever);
    await changed('undefined');
    const error = await state().catch((reason) => reason);
    t.match(error, { code: 'NotFound', cause: { name: 'LibvirtError', message: error.message } });
    t.ok(isLibvirt(error, 'noDomain'));
    enough.abort();
    t.ok((await events.next()).done);
  });

  t.test('a pool and its volumes go through their lives, and the pool has events', async (t) => {
    const enough = new AbortController();
    const events = await watch(qemu, enough.signal);
    const pool = await startDirectoryPool(qemu, daemon.directory, 'life');
    await untilEvent(events, (event) => event.kind === 'pool' && event.event === 'lifecycle' && event.change === poolChanges.started);
    t.same(await qemu.call(rpc.storagePoolLookupByName, { name: 'life' }, control, forever), pool);
    t.same(await qemu.call(rpc.storagePoolLookupByUuid, { uuid: pool.uuid }, control, forever), pool);
    t.match(await qemu.call(rpc.connectListAllStoragePools, { flags: 0 }, control, forever), [pool]);
    const info = await qemu.call(rpc.storagePoolGetInfo, { pool: poolByUuid(pool.uuid) }, control, forever);
    t.equal(info.state, 2);
    t.ok(info.capacity > info.available);
    t.match(await qemu.call(rpc.storagePoolGetXmlDesc, { pool, flags: 0 }, control, forever), /<pool type='dir'>/);
    await qemu.call(rpc.storagePoolSetAutostart, { pool, autostart: true }, control, forever);
    t.equal(await qemu.call(rpc.storagePoolGetAutostart, { pool }, control, forever), true);

    const volume = await createVolume(qemu, pool, 'disk', 1_048_576);
    t.same(volume, { pool: 'life', name: 'disk', key: `${daemon.directory}/life/disk` });
    await t.rejects(createVolume(qemu, pool, 'disk', 1), { code: 'Conflict' });
    t.same(await qemu.call(rpc.storagePoolListAllVolumes, { pool, flags: 0 }, control, forever), [volume]);
    t.same(await qemu.call(rpc.storageVolLookupByName, { pool, name: 'disk' }, control, forever), volume);
    t.same(await qemu.call(rpc.storageVolLookupByPath, { path: volume.key }, control, forever), volume);
    t.equal(await qemu.call(rpc.storageVolGetPath, { volume }, control, forever), volume.key);
    await qemu.call(rpc.storageVolResize, { volume, capacity: 2_097_152, flags: 0 }, slow, forever);
    t.match(await qemu.call(rpc.storageVolGetInfo, { volume }, control, forever), { type: 0, capacity: 2_097_152, allocation: 0 });
    t.match(await qemu.call(rpc.storageVolGetXmlDesc, { volume, flags: 0 }, control, forever), /<name>disk<\/name>/);
    await qemu.call(rpc.storageVolWipe, { volume, flags: 0 }, slow, forever);
    await qemu.call(rpc.storageVolDelete, { volume, flags: 0 }, slow, forever);
    await t.rejects(qemu.call(rpc.storageVolGetInfo, { volume }, control, forever), { code: 'NotFound' });

    await qemu.call(rpc.storagePoolRefresh, { pool, flags: 0 }, slow, forever);
    await untilEvent(events, (event) => event.kind === 'pool' && event.event === 'refresh' && event.pool.uuid === pool.uuid);
    await qemu.call(rpc.storagePoolDestroy, { pool }, slow, forever);
    await qemu.call(rpc.storagePoolUndefine, { pool }, control, forever);
    await t.rejects(qemu.call(rpc.storagePoolGetInfo, { pool }, control, forever), { code: 'NotFound' });
    enough.abort();
  });

  t.test('what is uploaded is downloaded, byte by byte', async (t) => {
    const pool = await startDirectoryPool(qemu, daemon.directory, 'bytes');
    const content = randomBytes(9_000_001);
    const volume = await createVolume(qemu, pool, 'content', content.length);
    await qemu.upload(rpc.storageVolUpload, whole(volume), pieces(content), forever);
    t.ok(content.equals(await readFile(volume.key)), 'the host has all of it when the upload resolves');
    const expected = createHash('sha256').update(content).digest('hex');
    t.equal(await digest(qemu.download(rpc.storageVolDownload, whole(volume), forever)), expected);

    const range = { volume, offset: 1_234_567, length: 700_000, flags: 0 };
    const part = createHash('sha256').update(content.subarray(1_234_567, 1_934_567)).digest('hex');
    t.equal(await digest(qemu.download(rpc.storageVolDownload, range, forever)), part);
    for await (const chunk of qemu.download(rpc.storageVolDownload, whole(volume), forever)) {
      t.ok(content.subarray(0, chunk.length).equals(chunk), 'and can be left early');
      break;
    }
    await t.rejects(qemu.upload(rpc.storageVolUpload, whole({ ...volume, key: '/none', name: 'none' }), pieces(content), forever), {
      code: 'NotFound',
    });
  });

  t.test('an upload aborted midway lets go of the volume', async (t) => {
    const pool = await startDirectoryPool(qemu, daemon.directory, 'aborted');
    const volume = await createVolume(qemu, pool, 'content', 4_000_000);
    const enough = new AbortController();
    async function* content() {
      yield Buffer.alloc(1_000_000, 1);
      enough.abort(new Error('enough'));
      await sleep(1_000_000, undefined, { ref: false });
    }
    await t.rejects(qemu.upload(rpc.storageVolUpload, whole(volume), content(), enough.signal), {
      code: 'TimedOut',
      cause: { message: 'enough' },
    });
    await t.resolves(qemu.call(rpc.storageVolDelete, { volume, flags: 0 }, slow, forever), 'it is in use no more');
  });

  t.test('a console carries what is typed, and ends with the machine', async (t) => {
    const pool = await startDirectoryPool(qemu, daemon.directory, 'console');
    const volume = await createVolume(qemu, pool, 'boot', bootSector.length);
    await qemu.upload(rpc.storageVolUpload, whole(volume), pieces(bootSector), forever);
    const disk = `<disk type='file' device='disk'><source file='${volume.key}'/><target dev='hda' bus='ide'/></disk><serial type='pty'/>`;
    const xml = machineXml('console', randomUUID(), disk);
    const domain = await qemu.call(rpc.domainCreateXml, { xml, flags: createFlags.paused }, slow, forever);
    await using console = await qemu.openStream(rpc.domainOpenConsole, { domain, flags: 0 }, forever);
    await qemu.call(rpc.domainResume, { domain }, slow, forever);

    let shown = '';
    for await (const bytes of console.output) {
      shown += Buffer.from(bytes).toString('latin1');
      if (shown.endsWith('>')) await console.write(Buffer.from('hello'), forever);
      if (shown.endsWith('>hello')) await qemu.call(rpc.domainDestroyFlags, { domain, flags: 0 }, slow, forever);
    }
    t.match(shown, />hello$/);
    await t.rejects(qemu.openStream(rpc.domainOpenConsole, { domain, flags: 0 }, forever), { code: 'NotFound' });
  });

  t.test('hundreds of calls at once are all answered', async (t) => {
    const uuids = Array.from({ length: 40 }, () => randomUUID());
    const define = (uuid: string, index: number) =>
      pretended.call(rpc.domainDefineXmlFlags, { xml: testMachineXml(`many-${index}`, uuid), flags: 0 }, slow, forever);
    await Promise.all(uuids.map(define));
    const ask = (uuid: string) => pretended.call(rpc.domainGetXmlDesc, { domain: domainByUuid(uuid), flags: 0 }, control, forever);
    const asked = Array.from({ length: 15 }, () => uuids).flat();
    const answers = await Promise.all(asked.map(ask));
    t.ok(
      answers.every((xml, index) => xml.includes(`<uuid>${asked[index]}</uuid>`)),
      `${answers.length} answers, each to its question`,
    );
    await Promise.all(
      uuids.map((uuid) =>
        pretended.call(rpc.domainUndefineFlags, { domain: domainByUuid(uuid), flags: undefineFlags.managedSave }, slow, forever),
      ),
    );
  });

  t.test('a machine that hangs holds up neither other machines nor the other lane', async (t) => {
    const start = (name: string) =>
      qemu.call(rpc.domainCreateXml, { xml: machineXml(name, randomUUID()), flags: createFlags.paused }, slow, forever);
    const [hung, well] = [await start('hung'), await start('well')];
    const process_ = await pidOfMachine(daemon, 'hung');
    process.kill(process_, 'SIGSTOP');
    const resume = (options: { key?: string }) =>
      qemu.call(rpc.domainResume, { domain: hung }, { lane: 'slow', timeoutMs: 300, ...options }, forever);
    const stuck = await Promise.allSettled([resume({ key: 'hung' }), resume({}), resume({}), resume({})]);
    t.same(
      stuck.map((outcome) => (outcome as PromiseRejectedResult).reason.code),
      ['TimedOut', 'TimedOut', 'TimedOut', 'TimedOut'],
    );
    await t.rejects(resume({ key: 'hung' }), { code: 'Busy' }, 'nothing is sent again about it');
    await t.resolves(qemu.call(rpc.domainResume, { domain: well }, slow, forever));
    const stats = await qemu.call(rpc.connectGetAllDomainStats, { domains: [], stats: 0, flags: statsFlags.noWait }, control, forever);
    t.same(stats.map(({ domain }) => domain.name).toSorted(), ['hung', 'well']);
    const wellStats = stats.find(({ domain }) => domain.name === 'well')?.params ?? [];
    t.equal(typeof paramsByField(wellStats).get('cpu.time'), 'bigint');
    process.kill(process_, 'SIGCONT');
    for (const domain of [hung, well]) await qemu.call(rpc.domainDestroyFlags, { domain, flags: 0 }, slow, forever);
  });

  t.test('a machine that shall not outlive its connection does not', async (t) => {
    const uuid = randomUUID();
    const watching = new AbortController();
    const events = await watch(qemu, watching.signal);
    const connection = await connectLibvirt(daemon.uri, {}, forever);
    const flags = createFlags.paused | createFlags.autodestroy;
    await connection.call(rpc.domainCreateXml, { xml: machineXml('brief', uuid), flags }, slow, forever);
    await connection[Symbol.asyncDispose]();
    await untilEvent(
      events,
      (event) =>
        event.kind === 'domain' && event.event === 'lifecycle' && event.domain.uuid === uuid && event.change === domainChanges.stopped,
    );
    await t.rejects(qemu.call(rpc.domainLookupByUuid, { uuid }, control, forever), { code: 'NotFound' });
    watching.abort();
  });

  t.test('who may only look is Denied the rest', async (t) => {
    await using looking = await connectLibvirt(daemon.uri, { readOnly: true }, forever);
    t.equal(await looking.call(rpc.connectGetType, undefined, control, forever), 'QEMU');
    const define = looking.call(rpc.domainDefineXmlFlags, { xml: machineXml('none', randomUUID()), flags: 0 }, control, forever);
    await t.rejects(define, { code: 'Denied' });
  });

  t.test('a daemon killed midway is Unavailable at once, and is reached again when it is back', async (t) => {
    const pool = await startDirectoryPool(qemu, daemon.directory, 'killed');
    const volume = await createVolume(qemu, pool, 'content', 4_000_000);
    const xml = machineXml('survivor', randomUUID());
    const domain = await qemu.call(rpc.domainCreateXml, { xml, flags: createFlags.paused }, slow, forever);
    process.kill(await pidOfMachine(daemon, 'survivor'), 'SIGSTOP');
    const events = await watch(qemu, forever);
    const pending = qemu.call(rpc.domainResume, { domain }, slow, forever);
    pending.catch(() => {});
    async function* content() {
      yield Buffer.alloc(1_000_000, 1);
      await daemon.kill9();
      await sleep(1_000_000, undefined, { ref: false });
    }
    await t.rejects(qemu.upload(rpc.storageVolUpload, whole(volume), content(), forever), { code: 'Unavailable' });
    await t.rejects(pending, { code: 'Unavailable', message: /the daemon closed the connection/ });
    await t.resolves(qemu.closed);
    while (!(await events.next()).done);
    await t.rejects(qemu.call(rpc.connectGetType, undefined, control, forever), { code: 'Unavailable' });
    await t.rejects(connectLibvirt(daemon.uri, {}, forever), {
      code: 'Unavailable',
      message: /no libvirt daemon listens|the connection broke/,
    });

    process.kill(await pidOfMachine(daemon, 'survivor'), 'SIGCONT');
    await daemon.restart();
    await using again = await connectLibvirt(daemon.uri, {}, forever);
    t.match(await again.call(rpc.connectListAllDomains, { flags: 0 }, control, forever), [{ name: 'survivor', uuid: domain.uuid }]);
  });
});
