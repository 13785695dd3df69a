import type { Change } from './change-table.js';

/** Of a machine that was told another name, in a namespace with a Secret `told` that has `one` and `two`. Only its next start reads these. */
export const cloudInitChanges: readonly Change[] = [
  { fields: ['cloudInit.hostname'], told: 'spec.cloudInit', class: 'NextBoot', spec: { cloudInit: { hostname: 'second' } } },
  {
    ...{ fields: ['cloudInit.userData', 'cloudInit.networkData'], told: 'spec.cloudInit', class: 'NextBoot' },
    spec: { cloudInit: { userData: '#cloud-config', networkData: 'version: 2' } },
  },
  {
    fields: ['userDataSecretRef', 'networkDataSecretRef'].flatMap((field) => [`cloudInit.${field}.name`, `cloudInit.${field}.key`]),
    ...{ told: 'spec.cloudInit', class: 'NextBoot' },
    spec: { cloudInit: { userDataSecretRef: { name: 'told', key: 'one' }, networkDataSecretRef: { name: 'told', key: 'two' } } },
  },
];
