import protobuf from 'protobufjs/light.js';
import type { Json, JsonObject } from '../json.js';
import { badRequest } from '../requests/status.js';

/**
 * Bodies of the few kinds that kubectl and Helm send in protobuf and in nothing else. Numbers of fields are of Kubernetes' own `generated.proto`.
 */
const magic = Buffer.from('k8s\0');
export const protobufType = 'application/vnd.kubernetes.protobuf';

type Fields = Readonly<Record<string, readonly [id: number, type: string, rule?: 'repeated' | 'map']>>;

const messages: Readonly<Record<string, Fields>> = {
  TypeMeta: { apiVersion: [1, 'string'], kind: [2, 'string'] },
  Unknown: { typeMeta: [1, 'TypeMeta'], raw: [2, 'bytes'] },
  OwnerReference: {
    kind: [1, 'string'],
    name: [3, 'string'],
    uid: [4, 'string'],
    apiVersion: [5, 'string'],
    controller: [6, 'bool'],
    blockOwnerDeletion: [7, 'bool'],
  },
  ObjectMeta: {
    name: [1, 'string'],
    generateName: [2, 'string'],
    namespace: [3, 'string'],
    uid: [5, 'string'],
    resourceVersion: [6, 'string'],
    labels: [11, 'string', 'map'],
    annotations: [12, 'string', 'map'],
    ownerReferences: [13, 'OwnerReference', 'repeated'],
    finalizers: [14, 'string', 'repeated'],
  },
  Namespace: { metadata: [1, 'ObjectMeta'] },
  ConfigMap: { metadata: [1, 'ObjectMeta'], data: [2, 'string', 'map'], binaryData: [3, 'bytes', 'map'], immutable: [4, 'bool'] },
  Secret: {
    metadata: [1, 'ObjectMeta'],
    data: [2, 'bytes', 'map'],
    type: [3, 'string'],
    stringData: [4, 'string', 'map'],
    immutable: [5, 'bool'],
  },
  ServiceAccount: { metadata: [1, 'ObjectMeta'] },
  PolicyRule: {
    verbs: [1, 'string', 'repeated'],
    apiGroups: [2, 'string', 'repeated'],
    resources: [3, 'string', 'repeated'],
    resourceNames: [4, 'string', 'repeated'],
    nonResourceURLs: [5, 'string', 'repeated'],
  },
  Role: { metadata: [1, 'ObjectMeta'], rules: [2, 'PolicyRule', 'repeated'] },
  ClusterRole: { metadata: [1, 'ObjectMeta'], rules: [2, 'PolicyRule', 'repeated'] },
  Subject: { kind: [1, 'string'], apiGroup: [2, 'string'], name: [3, 'string'], namespace: [4, 'string'] },
  RoleRef: { apiGroup: [1, 'string'], kind: [2, 'string'], name: [3, 'string'] },
  RoleBinding: { metadata: [1, 'ObjectMeta'], subjects: [2, 'Subject', 'repeated'], roleRef: [3, 'RoleRef'] },
  ClusterRoleBinding: { metadata: [1, 'ObjectMeta'], subjects: [2, 'Subject', 'repeated'], roleRef: [3, 'RoleRef'] },
  Preconditions: { uid: [1, 'string'], resourceVersion: [2, 'string'] },
  DeleteOptions: {
    gracePeriodSeconds: [1, 'int64'],
    preconditions: [2, 'Preconditions'],
    propagationPolicy: [4, 'string'],
    dryRun: [5, 'string', 'repeated'],
  },
  ResourceAttributes: {
    namespace: [1, 'string'],
    verb: [2, 'string'],
    group: [3, 'string'],
    version: [4, 'string'],
    resource: [5, 'string'],
    subresource: [6, 'string'],
    name: [7, 'string'],
  },
  NonResourceAttributes: { path: [1, 'string'], verb: [2, 'string'] },
  ReviewSpec: { resourceAttributes: [1, 'ResourceAttributes'], nonResourceAttributes: [2, 'NonResourceAttributes'] },
  Info: { title: [1, 'string'], version: [2, 'string'] },
  Document: { swagger: [1, 'string'], info: [2, 'Info'] },
  RulesReviewSpec: { namespace: [1, 'string'] },
  SelfSubjectRulesReview: { metadata: [1, 'ObjectMeta'], spec: [2, 'RulesReviewSpec'] },
  SelfSubjectReview: { metadata: [1, 'ObjectMeta'] },
  SelfSubjectAccessReview: { metadata: [1, 'ObjectMeta'], spec: [2, 'ReviewSpec'] },
};

function makeRoot(): protobuf.Root {
  const root = new protobuf.Root();
  for (const [name, fields] of Object.entries(messages)) {
    const type = new protobuf.Type(name);
    for (const [field, [id, of, rule]] of Object.entries(fields))
      type.add(rule === 'map' ? new protobuf.MapField(field, id, 'string', of) : new protobuf.Field(field, id, of, rule));
    root.add(type);
  }
  root.resolveAll();
  return root;
}

let root: protobuf.Root | undefined;
/** Made when the first such body comes. */
function messageType(name: string): protobuf.Type {
  root ??= makeRoot();
  return root.lookupType(name);
}

const decode = (type: string, bytes: Uint8Array): JsonObject => {
  const found = messageType(type);
  return found.toObject(found.decode(bytes), { bytes: String, longs: Number, arrays: false, objects: false }) as JsonObject;
};

/** @throws StatusError for what is none, or is of a kind that is not taken so */
export function readProtobuf(body: Uint8Array): Json {
  if (!magic.equals(body.subarray(0, magic.length))) throw badRequest('the body is no protobuf of Kubernetes');
  try {
    const unknown = messageType('Unknown');
    const { typeMeta, raw } = unknown.toObject(unknown.decode(body.subarray(magic.length))) as {
      typeMeta?: { apiVersion?: string; kind?: string };
      raw?: Uint8Array;
    };
    const { apiVersion = '', kind = '' } = typeMeta ?? {};
    if (messages[kind] === undefined) throw badRequest(`a ${kind} is not taken as protobuf; send JSON`);
    return { apiVersion, kind, ...decode(kind, raw ?? new Uint8Array()) };
  } catch (reason) {
    if (reason instanceof Error && reason.name === 'StatusError') throw reason;
    throw badRequest('the body is no protobuf that can be read');
  }
}

export const olderDocumentType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** `/openapi/v2`, which kubectl reads for a List alone: of what it has no schema, it leaves to the server. */
export const olderDocument = (): Uint8Array => {
  const type = messageType('Document');
  return type.encode(type.create({ swagger: '2.0', info: { title: 'Virtwright standalone', version: 'v1' } })).finish();
};
