import type { CimProperty, Classes } from './class.js';
import { parseEmbedded } from './embedded.js';
import type { Argument, Input } from './namespace.js';
import { same } from './object.js';
import { problems } from './problem.js';

/**
 * What methods take and give, by `Class.Method`: names as those of a class's properties, what is given behind `>`. An `instance` is an object as
 * CIM-XML, a `ref` another object.
 */
export type Signatures = Readonly<Record<string, string>>;

export interface Signature {
  readonly takes: readonly CimProperty[];
  readonly gives: readonly string[];
}

export function signatureOf(text: string): Signature {
  const [takes = '', gives = ''] = text.split('>').map((side) => side.trim());
  return { takes: parametersIn(takes), gives: parametersIn(gives).map(({ name }) => name) };
}

const parametersIn = (side: string): readonly CimProperty[] =>
  side
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [name = '', type = 'string'] = word.split(':');
      return { name, type: type.replace('[]', ''), isArray: type.endsWith('[]') };
    });

/** Parameters under the names that the class has for them, whatever case they came in. @throws Problem for one that is none, or of another type */
export function mustFit(input: Input, { takes }: Signature, classes: Classes): Input {
  const fitting = Object.entries(input).map(([name, given]) => {
    const parameter = takes.find((each) => same(each.name, name));
    if (parameter === undefined) throw problems.noParameter(name);
    if (given.length > 1 && !parameter.isArray) throw problems.wrongParameter(name, `single ${parameter.type}`);
    for (const each of given) mustBe(parameter, each, classes);
    return [parameter.name, given] as const;
  });
  return Object.fromEntries(fitting);
}

function mustBe({ name, type }: CimProperty, given: Argument, classes: Classes): void {
  const isRight = type === 'ref' ? typeof given !== 'string' : typeof given === 'string' && isOf(type, given);
  if (!isRight) throw problems.wrongParameter(name, type);
  if (type === 'instance' && typeof given === 'string' && given.trim() !== '') mustBeInstance(given, classes);
}

function isOf(type: string, text: string): boolean {
  if (type === 'boolean') return /^(true|false|0|1)$/i.test(text.trim());
  const [, sign, bits] = /^([us])int(\d+)$/.exec(type) ?? [];
  if (bits === undefined) return true;
  if (!/^[+-]?\d+$/.test(text.trim())) return false;
  const [value, half] = [BigInt(text.trim()), 2n ** BigInt(Number(bits) - 1)];
  return sign === 'u' ? value >= 0n && value < 2n * half : value >= -half && value < half;
}

/** Of a class that the host has, with properties that the class has. */
function mustBeInstance(text: string, classes: Classes): void {
  const { className, values } = parseEmbedded(text);
  const found = classes.find(className);
  if (found === undefined) throw problems.noClass(className);
  for (const [name, value] of Object.entries(values)) {
    const property = found.properties.find((each) => same(each.name, name));
    if (property === undefined) throw problems.noProperty(name, className);
    if (!property.isArray && value !== undefined && typeof value !== 'string') throw problems.wrongParameter(name, property.type);
    if (![value ?? []].flat().every((each) => isOf(property.type, each))) throw problems.wrongParameter(name, property.type);
  }
}
