export const namespace = 'virtwright-bench';
const apiVersion = 'virtwright.io/v1alpha1';

export function volumes(): object {
  return list([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    imageVolume('kernel', '64Mi'),
    imageVolume('initrd', '16Mi'),
  ]);
}

export function machines(count: number, commandLine: string): object {
  return list(Array.from({ length: count }, (_, index) => machine(`m${index + 1}`, commandLine)));
}

function imageVolume(name: string, size: string): object {
  const spec = { size, format: 'Raw', source: { upload: {}, format: 'Raw' }, reclaimPolicy: 'Delete' };
  return { apiVersion, kind: 'StorageVolume', metadata: { name, namespace }, spec };
}

/** No disk: what is measured is the way to a running machine, and kernel and initrd can be shared. */
function machine(name: string, words: string): object {
  const kernel = { volumeRef: { name: 'kernel' }, initrdVolumeRef: { name: 'initrd' }, commandLine: `${words} vw.name=${name}` };
  const spec = { memory: { size: '96Mi' }, boot: { kernel }, devices: { serial: {}, rng: {} }, stop: { mode: 'Hard' } };
  return { apiVersion, kind: 'VirtualMachine', metadata: { name, namespace }, spec };
}

function list(items: readonly object[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}
