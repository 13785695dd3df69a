import { equal, isList, isObject, type Json } from '../json.js';
import { firstLineOf } from '../trouble.js';
import { celValue } from './cel-value.js';
import { elementOf } from './element.js';
import { duplicate, type FieldError, type FieldErrorReason, invalid } from './field-error.js';
import { compile, type Expression } from './rules.js';
import { itemsOf, type Rule, type Schema, schemaOf } from './schema.js';
import { fieldText, valueCheck } from './values.js';

/** What is wrong with an object; `old` is what it was before an update. */
export type Validate = (value: Json, old?: Json) => readonly FieldError[];

/** Compiled once for each schema. @throws Error for a schema, a pattern or a rule that is none */
export function validator(schema: Schema): Validate {
  const check = valueCheck(schema.raw);
  const rules = new Map<Rule, CompiledRule>();
  for (const rule of rulesIn(schema)) rules.set(rule, compileRule(rule));
  return (value, old) => {
    const errors = check(value);
    // Rules may take for granted that values are of their types.
    const more = errors.length > 0 ? [] : [...listErrors(value, schema, []), ...ruleErrors({ value, old, schema, path: [] }, rules)];
    return old === undefined ? [...errors, ...more] : [...errors, ...more].filter((error) => !isUnchanged(error, value, old));
  };
}

interface CompiledRule {
  readonly rule: Rule;
  readonly expression: Expression;
  readonly message?: Expression;
  /** Says something about a change. */
  readonly isTransition: boolean;
}

export function compileRule(rule: Rule): CompiledRule {
  return {
    rule,
    expression: compile(rule.rule),
    ...(rule.messageExpression === undefined ? {} : { message: compile(rule.messageExpression) }),
    isTransition: /\boldSelf\b/.test(rule.rule),
  };
}

export function rulesIn(schema: Schema): readonly Rule[] {
  const beneath = [...schema.properties.values(), schema.additional, schema.items].flatMap((child) =>
    child === undefined ? [] : rulesIn(child),
  );
  return [...schema.rules, ...beneath];
}

interface Place {
  readonly value: Json;
  readonly old: Json | undefined;
  readonly schema: Schema;
  readonly path: readonly string[];
}

function placesBeneath({ value, old, schema, path }: Place): readonly Place[] {
  if (isObject(value))
    return Object.entries(value).flatMap(([key, child]) => {
      const known = schemaOf(schema, key);
      return known === undefined ? [] : [{ value: child, old: isObject(old) ? old[key] : undefined, schema: known, path: [...path, key] }];
    });
  if (!isList(value) || schema.kind !== 'list') return [];
  // Of a list that is one thing, no item is known to be the one of before.
  const before =
    schema.listType === 'map' && isList(old) ? new Map(old.map((item) => [elementOf(item, schema), item])) : new Map<string, Json>();
  return value.map((item, at) => ({
    value: item,
    old: before.get(elementOf(item, schema)),
    schema: itemsOf(schema),
    path: [...path, `${at}`],
  }));
}

function ruleErrors(place: Place, rules: ReadonlyMap<Rule, CompiledRule>): readonly FieldError[] {
  const here = place.schema.rules.flatMap((rule) => {
    const compiled = rules.get(rule);
    return compiled === undefined ? [] : broken(compiled, place);
  });
  return [...here, ...placesBeneath(place).flatMap((beneath) => ruleErrors(beneath, rules))];
}

function broken({ rule, expression, message, isTransition }: CompiledRule, { value, old, schema, path }: Place): readonly FieldError[] {
  if (isTransition && old === undefined && !rule.optionalOldSelf) return [];
  const values = { self: celValue(value, schema), oldSelf: old === undefined ? null : celValue(old, schema) };
  const field = fieldText([...path, ...(rule.fieldPath ?? '').split('.').filter((part) => part !== '')]);
  try {
    if (expression.evaluate(values) === true) return [];
    const said = message === undefined ? undefined : message.evaluate(values);
    const text = typeof said === 'string' && said !== '' ? said : (rule.message ?? `failed rule: ${rule.rule}`);
    return [{ ...broke(field, value, text), reason: (rule.reason as FieldErrorReason | undefined) ?? 'FieldValueInvalid' }];
  } catch (reason) {
    return [invalid(field, value, `${rule.rule}: ${firstLineOf(reason)}`)];
  }
}

/** Of what holds others, the value is not told. */
const broke = (field: string, value: Json, text: string): FieldError =>
  typeof value === 'object' && value !== null
    ? { field, reason: 'FieldValueInvalid', message: `Invalid value: ${text}` }
    : invalid(field, value, text);

function listErrors(value: Json, schema: Schema, path: readonly string[]): readonly FieldError[] {
  const here = isList(value) && schema.listType !== 'atomic' ? duplicatesIn(value, schema, path) : [];
  return [...here, ...placesBeneath({ value, old: undefined, schema, path }).flatMap((one) => listErrors(one.value, one.schema, one.path))];
}

function duplicatesIn(list: readonly Json[], schema: Schema, path: readonly string[]): readonly FieldError[] {
  const seen = new Set<string>();
  return list.flatMap((item, at) => {
    const element = elementOf(item, schema);
    const isKnown = seen.has(element);
    seen.add(element);
    return isKnown ? [duplicate(fieldText([...path, `${at}`]), JSON.parse(element.slice(2)) as Json)] : [];
  });
}

/** What was wrong before and was not touched is no fault of this change. */
function isUnchanged({ field, reason }: FieldError, value: Json, old: Json): boolean {
  const path = field.split(/[.[\]]+/).filter((part) => part !== '');
  const place = reason === 'FieldValueRequired' ? path.slice(0, -1) : path;
  const [is, was] = [at(value, place), at(old, place)];
  return place.length > 0 && is !== undefined && equal(is, was);
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((part, key) => {
    if (isList(part)) return part[Number(key)];
    return isObject(part) && Object.hasOwn(part, key) ? part[key] : undefined;
  }, value);
}
