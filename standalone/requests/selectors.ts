import { type JsonObject, objectAt } from '../json.js';
import { metadataOf } from '../resources/metadata.js';
import type { Resource } from '../resources/resource.js';
import { textAtPath } from './path.js';
import { badRequest } from './status.js';

export type Selects = (object: JsonObject) => boolean;

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k` */
export function labelSelector(text: string): Selects {
  const terms = splitTerms(text).map(labelTerm);
  return (object) => {
    const labels = objectAt(metadataOf(object), 'labels');
    return terms.every((term) => term(labels));
  };
}

/** At commas, but not at those within brackets. */
const splitTerms = (text: string): readonly string[] =>
  (text.match(/(?:[^,(]|\([^)]*\)?)+/g) ?? []).flatMap((term) => (term.trim() === '' ? [] : [term.trim()]));

const word = '[A-Za-z0-9][-A-Za-z0-9_./]*';
const value = '[-A-Za-z0-9_.]*';
const listed = new RegExp(`^(${word})\\s+(in|notin)\\s+\\(([^()]*)\\)$`);
const compared = new RegExp(`^(${word})\\s*(=|==|!=)\\s*(${value})$`);
const present = new RegExp(`^(!?)\\s*(${word})$`);

function labelTerm(text: string): (labels: JsonObject) => boolean {
  const [, listKey, verb, items] = listed.exec(text) ?? [];
  if (listKey !== undefined) {
    const values = new Set((items ?? '').split(',').map((one) => one.trim()));
    return verb === 'in' ? (labels) => values.has(`${labels[listKey] ?? '\0'}`) : (labels) => !values.has(`${labels[listKey] ?? '\0'}`);
  }
  const [, key, sign, wanted] = compared.exec(text) ?? [];
  if (key !== undefined) return sign === '!=' ? (labels) => labels[key] !== wanted : (labels) => labels[key] === wanted;
  const [, not, name] = present.exec(text) ?? [];
  if (name === undefined) throw badRequest(`unable to parse requirement: ${JSON.stringify(text)} is no label selector`);
  return (labels) => Object.hasOwn(labels, name) === (not === '');
}

/** Only what a resource says that it can be selected by. */
export function fieldSelector(text: string, { selectable, fullName }: Resource): Selects {
  const terms = splitTerms(text).map((term) => {
    const [, name, sign, wanted] = /^([^=!]+)(=|==|!=)([^=]*)$/.exec(term) ?? [];
    if (name === undefined) throw badRequest(`invalid selector: ${JSON.stringify(term)}; can't understand it`);
    const path = `.${name}`;
    if (!['.metadata.name', '.metadata.namespace', ...selectable].includes(path))
      throw badRequest(
        `field label not supported: ${name}; accepted for ${fullName}: metadata.name, metadata.namespace${selectable.map((one) => `, ${one.slice(1)}`).join('')}`,
      );
    return (object: JsonObject) => (textAtPath(object, path) === wanted) === (sign !== '!=');
  });
  return (object) => terms.every((term) => term(object));
}
