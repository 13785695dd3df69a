import { equal, isObject } from '../json.js';
import { invalid } from '../schema/field-error.js';
import type { Validate } from '../schema/validate.js';
import { age, anyObject, column, type Kind, list, map, text } from './shapes.js';

const rules = list(
  map({ apiGroups: list(text), resources: list(text), verbs: list(text), resourceNames: list(text), nonResourceURLs: list(text) }, [
    'verbs',
  ]),
);
const subjects = list(map({ kind: text, apiGroup: text, name: text, namespace: text }, ['kind', 'name']));
const roleRef = { ...map({ apiGroup: text, kind: text, name: text }, ['apiGroup', 'kind', 'name']), 'x-kubernetes-map-type': 'atomic' };
const rbac = { group: 'rbac.authorization.k8s.io', nameRule: 'path' as const };
const columns = [column('Created At', '.metadata.creationTimestamp')];
/** Who could change it would need no right to bind another role. */
const sameRole: Validate = (value, old) => {
  const [is, was] = [value, old].map((one) => (isObject(one) ? one['roleRef'] : undefined));
  return old === undefined || equal(is, was) ? [] : [invalid('roleRef', is, 'cannot change roleRef')];
};

export const accessKinds: readonly Kind[] = [
  { ...rbac, plural: 'roles', kind: 'Role', description: 'What may be done within its namespace.', properties: { rules }, columns },
  {
    ...rbac,
    plural: 'clusterroles',
    kind: 'ClusterRole',
    description: 'What may be done everywhere, or wherever a RoleBinding says so.',
    columns,
    namespaced: false,
    properties: {
      rules,
      aggregationRule: map({ clusterRoleSelectors: list(anyObject) }),
    },
  },
  {
    ...rbac,
    plural: 'rolebindings',
    kind: 'RoleBinding',
    description: 'Gives what a role allows to somebody, within its namespace.',
    properties: { subjects, roleRef },
    required: ['roleRef'],
    check: sameRole,
    columns: [column('Role', '.roleRef.name'), age],
  },
  {
    ...rbac,
    plural: 'clusterrolebindings',
    kind: 'ClusterRoleBinding',
    description: 'Gives what a ClusterRole allows to somebody, everywhere.',
    namespaced: false,
    properties: { subjects, roleRef },
    required: ['roleRef'],
    check: sameRole,
    columns: [column('Role', '.roleRef.name'), age],
  },
];
