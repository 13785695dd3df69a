import type { Change, Spec } from './change-table.js';

const init = ['/sbin/init', 'name=fields'];
const container = { rootVolumeRef: { name: 'root' }, init };
const lan = { name: 'lan', networkRef: { name: 'quiet' }, macAddress: '52:54:00:11:22:33' };
/** What the container is before the first of them. */
export const lxcSpec: Spec = {
  cpu: { count: 1, maxCount: 1 },
  memory: { size: '64Mi', maxSize: '128Mi' },
  interfaces: [lan],
  container,
};

const memory = { size: '96Mi', maxSize: '160Mi' };
const sizes: readonly Change[] = [
  {
    ...{ fields: ['cpu.maxCount'], told: 'spec.cpu.maxCount', class: 'Restart' },
    spec: { cpu: { count: 1, maxCount: 2 } },
    shows: /<vcpu[^>]*>2</,
  },
  {
    ...{ fields: ['cpu.count'], told: 'spec.cpu.count', class: 'Live' },
    spec: { cpu: { count: 2, maxCount: 2 } },
    shows: /<quota>200000</,
  },
  {
    ...{ fields: ['cpu.shares'], told: 'spec.cpu.shares', class: 'Live' },
    spec: { cpu: { count: 2, maxCount: 2, shares: 50 } },
    shows: /<shares>50</,
  },
  {
    ...{ fields: ['memory.size'], told: 'spec.memory.size', class: 'Live' },
    spec: { memory: { ...memory, maxSize: '128Mi' } },
    shows: />98304<\/currentMemory>/,
  },
  {
    ...{ fields: ['memory.maxSize'], told: 'spec.memory.maxSize', class: 'Restart' },
    spec: { memory },
    shows: />163840<\/memory>/,
  },
  {
    ...{ fields: ['memory.maxSize'], told: 'spec.memory.maxSize', class: 'Restart' },
    spec: { memory: { size: '96Mi', maxSize: '96Mi' } },
    shows: />98304<\/memory>/,
  },
  { fields: ['memory.minSize'], told: 'spec.memory.minSize', class: 'Impossible', spec: { memory: { size: '96Mi', minSize: '32Mi' } } },
];

const interfaces: readonly Change[] = [
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[san]', class: 'Hotplug' },
    spec: { interfaces: [lan, { name: 'san', networkRef: { name: 'rear' } }] },
    shows: /default\.rear/,
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[san]', class: 'Hotplug' },
    spec: { interfaces: [lan] },
    shows: /^(?![\s\S]*default\.rear)/,
  },
  {
    ...{ fields: ['interfaces[].networkRef.name'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [{ ...lan, networkRef: { name: 'rear' } }] },
    shows: /default\.rear/,
  },
  {
    ...{ fields: ['interfaces[].macAddress'], told: 'spec.interfaces[lan]', class: 'Restart' },
    spec: { interfaces: [{ ...lan, macAddress: '52:54:00:44:55:66' }] },
    shows: /52:54:00:44:55:66/,
  },
  {
    ...{ fields: ['interfaces[].linkState'], told: 'spec.interfaces[lan]', class: 'Impossible' },
    spec: { interfaces: [{ ...lan, macAddress: '52:54:00:44:55:66', linkState: 'Down' }] },
  },
  { fields: ['devices.serial'], told: 'spec.devices.serial', class: 'Restart', spec: { devices: { serial: {} } } },
];

const limits = { readIops: 1_000, writeIops: 2_000, readBytes: '100Mi', writeBytes: '200Mi' };
const data = { path: '/data', volumeRef: { name: 'data' } };
/** `own`: a root of the host's, `media`: a directory of it. */
const contained = (own: string, media: string): readonly Change[] => {
  const more = { ...container, init: [...init, 'again'] };
  const ofHost = { path: '/media', hostPath: media, access: 'ReadOnly' };
  const mounts = (...given: readonly object[]) =>
    ({ told: 'spec.container.mounts', class: 'Restart', spec: { container: { ...more, mounts: given } } }) as const;
  return [
    {
      ...{ fields: ['container.init[]'], told: 'spec.container.init', class: 'NextBoot' },
      spec: { container: more },
      shows: /<initarg>again</,
    },
    { fields: ['container.mounts[].path', 'container.mounts[].volumeRef.name'], ...mounts(data), shows: /target dir='\/data'/ },
    { fields: ['container.mounts[].access'], ...mounts({ ...data, access: 'ReadOnly' }), shows: /target dir='\/data'\/>\s*<readonly/ },
    { fields: ['container.mounts[].hostPath'], ...mounts(ofHost), shows: /target dir='\/media'/ },
    {
      fields: Object.keys(limits).map((limit) => `container.limits.${limit}`),
      ...{ told: 'spec.container.limits', class: 'Live' },
      spec: { container: { ...more, mounts: [ofHost], limits } },
      shows: /<write_iops_sec>2000</,
    },
    {
      ...{ fields: ['container.rootVolumeRef.name'], told: 'spec.container.rootVolumeRef', class: 'Restart' },
      spec: { container: { ...more, rootVolumeRef: { name: 'root2' } } },
      shows: /default\.root2/,
    },
    // A directory of the host's is owned by its root, which is nobody in a container that is not privileged.
    {
      ...{ fields: ['container.rootHostPath', 'container.privileged'], told: 'spec.container.privileged', class: 'Restart' },
      spec: { container: { rootHostPath: own, init, privileged: true } },
      shows: new RegExp(`^(?![\\s\\S]*<idmap>)[\\s\\S]*source dir='${own}'`),
    },
  ];
};

/** In this order, each with what those before it made of the container. */
export const lxcChanges = (own: string, media: string): readonly Change[] => [...sizes, ...interfaces, ...contained(own, media)];
