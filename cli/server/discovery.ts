import type { Client } from '#controllers/kubernetes/client.js';
import { apiVersionOf, type Resource } from '#controllers/kubernetes/resource.js';
import { Complaint, Failure } from '../complaint.js';
import { isJson, type Json, list, text, texts } from '../json.js';
import { suggestion } from '../nearest.js';

/** A kind that the server has, and what it is called. */
export interface Served extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
}

const ownGroup = 'virtwright.io';
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** All kinds that the server has, in the versions that it prefers. */
export async function discover(client: Client, signal: AbortSignal): Promise<Discovery> {
  const read = (path: string) => client.read({ path, accept: aggregated }, signal);
  const [own, core] = await Promise.all([read('/apis'), read('/api')]);
  return new Discovery([...decodeGroups(core), ...decodeGroups(own)]);
}

export class Discovery {
  readonly kinds: readonly Served[];

  /** In the server's order. A short name that several have is ours, or else the first one's. */
  constructor(kinds: readonly Served[]) {
    const rank = ({ group }: Served): number => (group === ownGroup ? 0 : group === '' ? 1 : 2);
    this.kinds = [...kinds].sort((a, b) => rank(a) - rank(b));
  }

  /** By plural, singular, kind or short name, also as `plural.group`. Throws a Complaint that names what is near. */
  find(word: string): Served {
    const found = this.#named(word);
    if (found !== undefined) return found;
    const words = this.kinds.filter(({ group }) => group === ownGroup || group === '').flatMap(namesOf);
    throw new Complaint(`the server has no kind "${word}"${suggestion(word.toLowerCase(), words)}`);
  }

  /** `vm,sp`: each of them once; a category, as `virtwright`, means all that are in it. */
  findMany(words: string): readonly Served[] {
    const found = words
      .split(',')
      .filter((word) => word !== '')
      .flatMap((word) => {
        const members = this.kinds.filter(({ categories }) => categories.includes(word));
        return this.#named(word) === undefined && members.length > 0 ? members : [this.find(word)];
      });
    return [...new Set(found)];
  }

  /** What a manifest means. Undefined when the server does not have it. */
  ofManifest(apiVersion: string, kind: string): Served | undefined {
    return this.kinds.find((one) => one.kind === kind && apiVersionOf(one) === apiVersion);
  }

  #named(word: string): Served | undefined {
    const wanted = word.toLowerCase();
    const [plural = '', ...group] = wanted.split('.');
    return (
      this.kinds.find((one) => namesOf(one).includes(wanted)) ??
      this.kinds.find((one) => namesOf(one).includes(plural) && [one.group, `${one.version}.${one.group}`].includes(group.join('.')))
    );
  }
}

const namesOf = ({ plural, singular, kind, shortNames }: Served): readonly string[] => [
  plural,
  singular,
  kind.toLowerCase(),
  ...shortNames,
];

function decodeGroups(value: unknown): readonly Served[] {
  if (!isJson(value) || value['kind'] !== 'APIGroupDiscoveryList')
    throw new Failure('the server does not say what it serves; accepted is Kubernetes 1.32 or newer');
  return list(value['items']).flatMap((group) => {
    const name = isJson(group['metadata']) ? text(group['metadata']['name']) : '';
    const versions = list(group['versions']).flatMap((version) => list(version['resources']).map((one) => decode(name, version, one)));
    return versions.filter((one, at) => versions.findIndex(({ plural }) => plural === one.plural) === at);
  });
}

function decode(group: string, version: Json, resource: Json): Served {
  return {
    group,
    version: text(version['version']),
    plural: text(resource['resource']),
    kind: isJson(resource['responseKind']) ? text(resource['responseKind']['kind']) : '',
    namespaced: resource['scope'] === 'Namespaced',
    singular: text(resource['singularResource']),
    shortNames: texts(resource['shortNames']),
    categories: texts(resource['categories']),
    verbs: texts(resource['verbs']),
  };
}
