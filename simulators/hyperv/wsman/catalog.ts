import type { XmlElement } from '#drivers/xml/tree.js';
import type { WmiNamespace } from '../cim/namespace.js';
import { type CimObject, keysOf, leadsTo, type ObjectPath, pathOf, textOfValue } from '../cim/object.js';
import { problems } from '../cim/problem.js';
import { judgeOf } from '../wql/evaluate.js';
import { unknownName } from '../wql/names.js';
import { parseQuery, type Query, QueryError } from '../wql/parse.js';
import type { Message } from './message.js';
import { classUri, parseClassUri } from './names.js';
import { renderInstance, renderReference } from './render.js';

/** A host's namespaces: what requests mean by their URIs, selectors and queries. All reject with Problems. */
export class Catalog {
  readonly #server: string;
  readonly #namespaces: readonly WmiNamespace[];

  constructor(server: string, namespaces: readonly WmiNamespace[]) {
    this.#server = server;
    this.#namespaces = namespaces;
  }

  namespace(name: string): WmiNamespace | undefined {
    return this.#namespaces.find((each) => each.name === name);
  }

  resource(uri: string): { readonly namespace: WmiNamespace; readonly className: string } {
    const parsed = parseClassUri(uri);
    if (parsed === undefined) throw problems.badMessage(`no resource is meant by "${uri}"`);
    const namespace = this.#namespaces.find(({ name }) => name.toLowerCase() === parsed.namespace);
    if (namespace === undefined) throw problems.noNamespace(parsed.namespace);
    if (parsed.className !== '*' && namespace.classes.find(parsed.className) === undefined) throw problems.noClass(parsed.className);
    return { namespace, className: parsed.className };
  }

  /** The one object that is meant. Of a class with but one object, keys may be missing. */
  target(message: Pick<Message, 'selectors'>, namespace: WmiNamespace, className: string): CimObject {
    const [found, ...more] = this.#objects(namespace, { className, keys: message.selectors });
    if (found === undefined) throw problems.noObject();
    if (more.length > 0) throw problems.badSelectors();
    return found;
  }

  #objects(namespace: WmiNamespace, path: ObjectPath): readonly CimObject[] {
    return namespace.instances(path.className).filter((object) => leadsTo(path, object, namespace.classes));
  }

  found(
    namespace: WmiNamespace,
    query: Exclude<Query, { kind: 'events' }>,
  ): readonly { readonly object: CimObject; readonly name: string | undefined }[] {
    const { classes } = namespace;
    if (query.kind === 'select') {
      const asked = classes.find(query.className);
      if (asked === undefined) throw problems.noClass(query.className);
      const unknown = unknownName(query, asked);
      if (unknown !== undefined) throw problems.badQuery(`${asked.name} has no property ${unknown}`);
      const holds = judgeOf(query.where);
      const found = namespace.instances(asked.name).filter((object) => holds(this.#look(namespace, object)));
      return found.map((object) => ({ object, name: asked.name }));
    }
    const [of] = this.#objects(namespace, query.of);
    if (of === undefined) throw problems.noObject();
    const result = query.resultClass === undefined ? undefined : classes.find(query.resultClass);
    if (query.resultClass !== undefined && result === undefined) throw problems.noClass(query.resultClass);
    return namespace
      .associated(of)
      .filter(([assoc]) => query.assocClass === undefined || assoc.toLowerCase() === query.assocClass.toLowerCase())
      .filter(([, other]) => result === undefined || classes.isA(other.className, result.name))
      .map(([, object]) => ({ object, name: result?.name }));
  }

  instance(namespace: WmiNamespace, object: CimObject, name = object.className): XmlElement {
    const cimClass = namespace.classes.find(object.className);
    if (cimClass === undefined) throw problems.noClass(object.className);
    return renderInstance(object, cimClass, name, classUri(namespace.name, name));
  }

  reference(namespace: WmiNamespace, object: CimObject): readonly XmlElement[] {
    return renderReference(classUri(namespace.name, object.className), keysOf(object, namespace.classes));
  }

  #look(namespace: WmiNamespace, object: CimObject) {
    const server = this.#server;
    return (name: string): string | undefined => {
      const system = name.toUpperCase();
      if (system === '__SERVER') return server;
      if (system === '__PATH') return pathOf(object, namespace.classes, server, namespace.name);
      if (system === '__CLASS') return object.className;
      return textOfValue(object, name);
    };
  }
}

/** @throws Problem */
export function parsedQuery(wql: string): Query {
  try {
    return parseQuery(wql);
  } catch (reason) {
    if (reason instanceof QueryError) throw problems.badQuery(reason.message);
    throw reason;
  }
}
