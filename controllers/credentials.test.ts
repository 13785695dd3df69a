import t from 'tap';
import type { Hypervisor } from '#crds/types.js';
import { type CredentialKeys, Credentials } from '#drivers/target.js';
import { hypervisorDefaults } from '#test/hypervisor-spec.js';
import { isSameWay, needsCopy, wayTo } from './credentials.js';
import { copyOf, decodeSecret, encodeData, hostLabel, type Secret, sourceAnnotation } from './secrets.js';

const keys: CredentialKeys = { required: ['username', 'password'], optional: ['ca.crt'] };
const keysOf = () => keys;
const namespace = 'virtwright-system';
const full = { username: 'robot', password: 'hush' };

const meta = { resourceVersion: '1', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' };
const hostWith = (credentialsSecretName?: string, uri = 'test:///default'): Hypervisor => ({
  apiVersion: 'virtwright.io/v1alpha1',
  kind: 'Hypervisor',
  metadata: { ...meta, name: 'one', uid: 'h-1' },
  spec: { ...hypervisorDefaults, uri, ...(credentialsSecretName === undefined ? {} : { credentialsSecretName }) },
});
const copyWith = (values: Readonly<Record<string, string>>, metadata: Partial<Secret['metadata']> = {}): Secret => ({
  metadata: {
    ...meta,
    name: copyOf('one'),
    namespace,
    uid: 's-1',
    labels: { [hostLabel]: 'one' },
    annotations: { [sourceAnnotation]: 'kvm3' },
    ownerReferences: [{ apiVersion: 'virtwright.io/v1alpha1', kind: 'Hypervisor', name: 'one', uid: 'h-1' }],
    ...metadata,
  },
  data: new Credentials(Object.entries(values).map(([key, value]) => [key, Buffer.from(value)])),
});
const closedBy = (hypervisor: Hypervisor, copy: Secret | undefined, of: () => CredentialKeys = keysOf): string => {
  const way = wayTo(hypervisor, copy, namespace, of);
  return way.kind === 'closed' ? `${way.failure.code}: ${way.failure.message}` : 'open';
};

t.test('with all that is required the way is open, and with nothing else than the driver reads', async (t) => {
  const way = wayTo(hostWith('kvm3'), copyWith({ ...full, 'ca.crt': 'pem', more: 'more' }), namespace, keysOf);
  t.equal(way.kind, 'open');
  if (way.kind !== 'open') return;
  t.equal(way.target.uri, 'test:///default');
  t.same(way.target.credentials?.keys, ['username', 'password', 'ca.crt']);
  t.equal(closedBy(hostWith('kvm3'), copyWith(full)), 'open', 'what is optional may be left out');
});

t.test('what is missing is named', async (t) => {
  const source = 'Secret "kvm3" in namespace "virtwright-system"';
  t.equal(closedBy(hostWith('kvm3'), copyWith({})), `CredentialsMissing: there is no ${source} with keys "username", "password", "ca.crt"`);
  t.equal(closedBy(hostWith('kvm3'), copyWith({ username: 'robot' })), `CredentialsMissing: ${source} has no key "password"`);
  t.equal(closedBy(hostWith('kvm3'), copyWith({ 'ca.crt': 'pem' })), `CredentialsMissing: ${source} has no keys "username", "password"`);
});

t.test('a copy that was for another host or from another Secret is none', async (t) => {
  const notYet = /^CredentialsMissing: Secret "kvm\d" in namespace "virtwright-system" has not been handed to this host yet/;
  t.match(closedBy(hostWith('kvm3'), undefined), notYet);
  t.match(closedBy(hostWith('kvm4'), copyWith(full)), notYet);
  t.match(closedBy(hostWith('kvm3'), copyWith(full, { ownerReferences: [] })), notYet);
  t.match(closedBy(hostWith('kvm3'), copyWith(full, { labels: {} })), notYet);
  t.match(closedBy(hostWith('kvm3'), copyWith(full, { labels: { [hostLabel]: 'two' } })), notYet);
});

t.test('credentials that a driver does not take, or needs and has not, are a mistake in the spec', async (t) => {
  const none = () => ({ required: [], optional: [] });
  const optional = () => ({ required: [], optional: ['token'] });
  t.match(
    closedBy(hostWith('kvm3'), undefined, none),
    /^Invalid: spec\.credentialsSecretName: "kvm3" was given, but test: takes no credentials; leave it out$/,
  );
  t.match(
    closedBy(hostWith(), undefined),
    /^Invalid: spec\.credentialsSecretName: nothing was given, .* with keys "username", "password"$/,
  );
  t.equal(closedBy(hostWith(), copyWith(full), none), 'open');
  t.equal(closedBy(hostWith(), undefined, optional), 'open');
  t.same([needsCopy(hostWith('kvm3'), none), needsCopy(hostWith(), keysOf), needsCopy(hostWith('kvm3'), optional)], [false, false, true]);
});

t.test('the way is another when URI, credentials or what is missing is another', async (t) => {
  const ways = [
    undefined,
    ...[full, { ...full, password: 'other' }, {}, { username: 'robot' }].map((values) =>
      wayTo(hostWith('kvm3'), copyWith(values), namespace, keysOf),
    ),
    wayTo(hostWith('kvm3', 'qemu:///system'), copyWith(full), namespace, keysOf),
    wayTo(hostWith(), undefined, namespace, () => ({ required: [], optional: [] })),
  ];
  for (const [i, one] of ways.entries()) for (const [j, other] of ways.entries()) t.equal(isSameWay(one, other), i === j, `${i} and ${j}`);
  t.ok(
    isSameWay(ways[1], wayTo(hostWith('kvm3'), copyWith({ ...full, more: 'more' }), namespace, keysOf)),
    'what is not read makes no difference',
  );
});

t.test('bytes of a Secret are kept to the letter, and a bad one is not quoted', async (t) => {
  const bytes = Buffer.from([0, 255, 10, 13, 61]);
  const raw = { apiVersion: 'v1', kind: 'Secret', metadata: { ...meta, name: 'kvm3', namespace, uid: 's' } };
  const { data } = decodeSecret({ ...raw, data: { a: bytes.toString('base64'), b: '' } });
  t.same(data.get('a'), bytes);
  t.same(encodeData(data), { a: bytes.toString('base64'), b: '' });
  t.same(decodeSecret(raw).data.keys, [], 'one without data is empty');
  t.throws(() => decodeSecret({ ...raw, data: { a: 123456 } }), { message: 'data["a"] is number, not base64 text' });
});
