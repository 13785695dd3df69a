import { inspect } from 'node:util';
import t from 'tap';
import { secrets } from '#controllers/secrets.js';
import type { Hypervisor } from '#crds/types.js';
import { connect, credentialKeys } from '#drivers/connect.js';
import { systemClock } from '#drivers/fake/clock.js';
import { connectFake, fakeCredentialKeys } from '#drivers/fake/driver.js';
import { FakeHost } from '#drivers/fake/host.js';
import type { Connect } from '#drivers/target.js';
import { until } from './until.js';
import { condition, type Running, useWorld } from './world.js';

const world = await useWorld(t);
const signal = () => AbortSignal.timeout(60_000);
const keysOfFake = () => fakeCredentialKeys;

const hypervisor = (name: string, credentialsSecretName?: string, uri = 'test:///default') => ({
  kind: 'Hypervisor',
  metadata: { name },
  spec: { uri, ...(credentialsSecretName === undefined ? {} : { credentialsSecretName }) },
});

/** As a person does it who replaces the whole. */
async function putSecret(name: string, stringData: Readonly<Record<string, string>>): Promise<void> {
  await world.kubectl('delete', 'secret', name, '--ignore-not-found');
  await world.kubectl('create', '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData }),
  });
}

async function copyFor(name: string): Promise<{ readonly data: object; readonly metadata: object } | undefined> {
  const { items } = await world.client.list(
    secrets,
    { namespace: 'default', fieldSelector: `metadata.name=virtwright-host-${name}` },
    signal(),
  );
  const [found] = items;
  return found === undefined ? undefined : { metadata: found.metadata, data: (found.data as object | undefined) ?? {} };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const stands = (name: string, reason: string) =>
  world.until('Hypervisor', name, (seen: Hypervisor) => condition(seen, 'Ready')?.reason === reason);

/** All that the cluster and the operator say, without the Secrets themselves. */
async function everythingSaid(operator: Running): Promise<string> {
  const kinds = (await world.kubectl('api-resources', '--verbs=list', '-o', 'name'))
    .split('\n')
    .filter((kind) => kind !== '' && kind !== 'secrets');
  const objects = await world.kubectl('get', kinds.join(','), '-A', '-o', 'json', '--show-managed-fields');
  return [objects, operator.troubles.join('\n'), await operator.metrics.registry.metrics()].join('\n');
}

await t.test('a host gets its credentials whenever they come, anew when they change, and is let go without them', async (t) => {
  const host = new FakeHost({ clock: systemClock });
  host.account = { username: 'robot', password: 'first-hush' };
  let connections = 0;
  const said: string[] = [];
  const counted: Connect = async (target, until) => {
    connections += 1;
    said.push(inspect(target, { depth: 10 }));
    return connectFake(host)(target, until);
  };
  await using operator = await world.start({ connect: counted, credentialKeys: keysOfFake, hypervisors: ['one'] });

  await world.apply(hypervisor('one', 'kvm3'));
  const without = await stands('one', 'CredentialsMissing');
  t.match(condition(without, 'Ready')?.message, /^there is no Secret "kvm3" in namespace "default" with keys "username", "password"$/);
  t.match(condition(without, 'Reconciling'), { status: 'True' }, 'it waits, and nothing is wrong with it');

  await putSecret('kvm3', { username: 'robot', token: 'other-hush' });
  await world.until(
    'Hypervisor',
    'one',
    (seen) => condition(seen, 'Ready')?.message === 'Secret "kvm3" in namespace "default" has no key "password"',
  );
  t.equal(connections, 0, 'nobody knocked without credentials');

  await putSecret('kvm3', { username: 'robot', password: 'first-hush', token: 'other-hush' });
  await stands('one', 'Connected');
  const copy = await copyFor('one');
  t.same(copy?.data, { username: base64('robot'), password: base64('first-hush') }, 'what the driver does not read is not copied');
  t.match(copy?.metadata, {
    labels: { 'virtwright.io/hypervisor': 'one' },
    ownerReferences: [{ kind: 'Hypervisor', uid: without.metadata.uid }],
  });

  host.account = { username: 'robot', password: 'second-hush' };
  await world.kubectl('patch', 'secret', 'kvm3', '-p', JSON.stringify({ stringData: { password: 'second-hush', note: 'other-hush' } }));
  await until(async () => connections > 1);
  await stands('one', 'Connected');

  const before = connections;
  await world.kubectl('patch', 'secret', 'kvm3', '-p', JSON.stringify({ stringData: { password: 'wrong-hush' } }));
  const denied = await stands('one', 'Denied');
  t.match(condition(denied, 'Ready'), { status: 'False', message: 'the fake host does not know this username and password' });
  t.match(condition(denied, 'Stalled'), { status: 'True' });
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  t.equal(connections, before + 1, 'a wrong password is not tried again and again');
  await world.kubectl('patch', 'secret', 'kvm3', '-p', JSON.stringify({ stringData: { password: 'second-hush' } }));
  await stands('one', 'Connected');

  await world.kubectl('delete', 'secret', 'kvm3');
  await stands('one', 'CredentialsMissing');
  t.same((await copyFor('one'))?.data, {});
  await putSecret('kvm3', { username: 'robot', password: 'second-hush' });
  await stands('one', 'Connected');

  await putSecret('kvm4', { username: 'robot', password: 'second-hush' });
  await world.apply(hypervisor('one', 'kvm4'));
  await until(async () => /kvm4/.test(JSON.stringify((await copyFor('one'))?.metadata)));
  await stands('one', 'Connected');
  await world.apply(hypervisor('one'));
  const unnamed = await stands('one', 'Invalid');
  t.match(
    condition(unnamed, 'Ready')?.message,
    /^spec\.credentialsSecretName: nothing was given, but test: needs .* keys "username", "password"$/,
  );
  await until(async () => (await copyFor('one')) === undefined);

  await world.apply(hypervisor('one', 'kvm3'));
  await stands('one', 'Connected');
  await world.delete('Hypervisor', 'one');
  await until(async () => (await copyFor('one')) === undefined);

  const everything = [await everythingSaid(operator), ...said].join('\n');
  t.match(everything, /CredentialsMissing|kvm3/);
  for (const text of ['first-hush', 'second-hush', 'wrong-hush', 'other-hush'])
    for (const form of [text, base64(text)]) t.notOk(everything.includes(form), `nobody said ${form}`);
});

await t.test('a driver that takes no credentials refuses a Secret by name, and none is copied', async (t) => {
  await putSecret('unwanted', { username: 'robot', password: 'hush' });
  await using _operator = await world.start({ connect, credentialKeys, hypervisors: ['two'] });
  await world.apply(hypervisor('two', 'unwanted', 'fake:///two'));
  const refused = await stands('two', 'Invalid');
  t.equal(
    condition(refused, 'Ready')?.message,
    'spec.credentialsSecretName: "unwanted" was given, but fake: takes no credentials; leave it out',
  );
  t.match(condition(refused, 'Stalled'), { status: 'True' });
  t.equal(await copyFor('two'), undefined);
});

await t.test('a copy whose host went while no controller ran is cleared away, and what is not ours is left alone', async (t) => {
  await putSecret('kvm3', { username: 'robot', password: 'hush' });
  await putSecret('virtwright-host-four', { mine: 'yes' });
  const options = { connect: connectFake(new FakeHost()), credentialKeys: keysOfFake, hypervisors: [], only: 'controller' } as const;
  const first = await world.start(options);
  await world.apply(hypervisor('three', 'kvm3'));
  await until(async () => (await copyFor('three')) !== undefined);
  await first.stop();
  await world.delete('Hypervisor', 'three');
  await using second = await world.start(options);
  await world.apply(hypervisor('four', 'kvm3'));
  await until(async () => (await copyFor('three')) === undefined);
  await until(async () => second.troubles.some((one) => /Secret "virtwright-host-four" .* is not ours/.test(one)));
  t.same((await copyFor('four'))?.data, { mine: base64('yes') });
});

await t.test('credentials that were for another host, or from another Secret, are not used', async (t) => {
  const seen: string[] = [];
  const noted: Connect = async (target, until) => {
    seen.push(target.credentials?.text('password') ?? '');
    return connectFake(new FakeHost({ clock: systemClock }))(target, until);
  };
  await putSecret('kvm5', { username: 'robot', password: 'fifth' });
  const common = { connect: noted, credentialKeys: keysOfFake, hypervisors: ['five'] };
  const controller = await world.start({ ...common, only: 'controller' });
  await world.apply(hypervisor('five', 'kvm5'));
  await until(async () => (await copyFor('five')) !== undefined);
  await controller.stop();
  await world.delete('Hypervisor', 'five');
  await world.apply(hypervisor('five', 'kvm5'));
  await using _agent = await world.start({ ...common, only: 'agent' });
  const waiting = await stands('five', 'CredentialsMissing');
  t.match(condition(waiting, 'Ready')?.message, /Secret "kvm5" .* has not been handed to this host yet; see that the controller runs/);
  await world.apply(hypervisor('five', 'kvm6'));
  await world.until('Hypervisor', 'five', (now) => /Secret "kvm6" .* has not been handed/.test(condition(now, 'Ready')?.message ?? ''));
  t.same(seen, []);
  await using _controller = await world.start({ ...common, only: 'controller' });
  await putSecret('kvm6', { username: 'robot', password: 'sixth' });
  await stands('five', 'Connected');
  t.same(seen, ['sixth']);
});
