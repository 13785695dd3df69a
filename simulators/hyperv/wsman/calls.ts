import { attribute, childNS, elementNS, elements, localName, textOf, type XmlElement } from '#drivers/xml/tree.js';
import type { Argument, Input, Output, WmiNamespace } from '../cim/namespace.js';
import type { CimObject } from '../cim/object.js';
import { problems } from '../cim/problem.js';
import type { Asked } from './asked.js';
import type { Catalog } from './catalog.js';
import { elementsOf, type Message, selectorsIn } from './message.js';
import { ns } from './names.js';

/** Get, Put and Invoke: what is about one object. */
export class Calls {
  readonly #catalog: Catalog;
  readonly #asked: Asked;

  constructor(catalog: Catalog, asked: Asked) {
    this.#catalog = catalog;
    this.#asked = asked;
  }

  async get(message: Message, namespace: WmiNamespace, className: string): Promise<XmlElement> {
    await this.#asked(`Get ${className}`);
    return this.#catalog.instance(namespace, this.#catalog.target(message, namespace, className));
  }

  async put(message: Message, namespace: WmiNamespace, className: string): Promise<XmlElement> {
    await this.#asked(`Put ${className}`);
    const target = this.#catalog.target(message, namespace, className);
    const given = Object.fromEntries(Object.entries(this.#input(message)).map(([name, all]) => [name, textsOf(all)]));
    if (!namespace.put(target, given)) throw problems.invalid(`objects of ${className} cannot be written`);
    return this.#catalog.instance(namespace, this.#catalog.target(message, namespace, className));
  }

  async invoke(message: Message, namespace: WmiNamespace, className: string): Promise<XmlElement> {
    const method = message.action.slice(message.action.lastIndexOf('/') + 1);
    if (message.action !== `${message.resourceUri}/${method}`) throw problems.noMethod(message.action);
    await this.#asked(`${className}.${method}`);
    // A host with but one object of the class wants to know which, too.
    if (message.selectors.length === 0) throw problems.noSelectors();
    const target = this.#catalog.target(message, namespace, className);
    const output = await namespace.invoke(target, method, this.#input(message));
    if (output === undefined) throw problems.noMethod(method);
    return this.#output(namespace, `${method}_OUTPUT`, message.resourceUri, output);
  }

  #input({ body }: Message): Input {
    const input: Record<string, readonly Argument[]> = {};
    for (const each of elementsOf(body)) {
      const name = localName(each);
      input[name] = [...(input[name] ?? []), ...this.#argument(each)];
    }
    return input;
  }

  #argument(of: XmlElement): readonly Argument[] {
    if (attribute(of, 'nil', ns.xsi) === 'true') return [];
    const [parameters] = elements(of, 'ReferenceParameters', ns.addressing);
    return [parameters === undefined ? (textOf(of) ?? '') : this.#referred(parameters)];
  }

  #referred(parameters: XmlElement): CimObject {
    const { namespace, className } = this.#catalog.resource(textOf(childNS(parameters, ns.wsman, 'ResourceURI')) ?? '');
    return this.#catalog.target({ selectors: selectorsIn(childNS(parameters, ns.wsman, 'SelectorSet')) }, namespace, className);
  }

  #output(namespace: WmiNamespace, name: string, uri: string, { returnValue, values = {} }: Output): XmlElement {
    const given = Object.entries(values).flatMap(([parameter, value]) =>
      (value === undefined ? [] : [value].flat()).map((each) => {
        const content = typeof each === 'string' ? [each] : this.#catalog.reference(namespace, each);
        return elementNS(uri, `p:${parameter}`, {}, ...content);
      }),
    );
    return elementNS(uri, `p:${name}`, {}, ...given, elementNS(uri, 'p:ReturnValue', {}, String(returnValue)));
  }
}

/** An array is its element repeated. */
function textsOf(all: readonly Argument[]): string | readonly string[] | undefined {
  const texts = all.filter((each) => typeof each === 'string');
  return texts.length > 1 ? texts : texts[0];
}
