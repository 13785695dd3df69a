import { type JsonObject, objectAt, objectsAt, textAt } from '../json.js';
import { compilePolicy, type Expression } from '../schema/rules.js';
import { firstLineOf } from '../trouble.js';

interface Named {
  readonly name: string;
  readonly expression: Expression;
}

/** A ValidatingAdmissionPolicy that can be asked. */
export interface Policy {
  readonly name: string;
  readonly matching: JsonObject;
  readonly conditions: readonly Named[];
  readonly variables: readonly Named[];
  readonly validations: readonly Validation[];
  /** What is, when an expression cannot be evaluated. */
  readonly failure: 'Fail' | 'Ignore';
}

interface Validation {
  readonly text: string;
  readonly expression: Expression;
  readonly message: string;
  readonly messageExpression: Expression | undefined;
  readonly reason: string;
}

/** @throws Error for an expression that is none */
export function readPolicy(name: string, spec: JsonObject): Policy {
  const named = (key: string): readonly Named[] =>
    objectsAt(spec, key).map((one) => ({ name: textAt(one, 'name'), expression: compilePolicy(textAt(one, 'expression')) }));
  return {
    name,
    matching: objectAt(spec, 'matchConstraints'),
    conditions: named('matchConditions'),
    variables: named('variables'),
    validations: objectsAt(spec, 'validations').map(readValidation),
    failure: spec['failurePolicy'] === 'Ignore' ? 'Ignore' : 'Fail',
  };
}

function readValidation(one: JsonObject): Validation {
  const text = textAt(one, 'expression');
  const messageExpression = textAt(one, 'messageExpression');
  return {
    text,
    expression: compilePolicy(text),
    message: textAt(one, 'message'),
    messageExpression: messageExpression === '' ? undefined : compilePolicy(messageExpression),
    reason: textAt(one, 'reason') || 'Invalid',
  };
}

export type Values = Readonly<Record<'object' | 'oldObject' | 'request' | 'namespaceObject' | 'authorizer', unknown>>;

export interface Objection {
  readonly message: string;
  readonly reason: string;
}

/** What the policy has against it. */
export function objections(policy: Policy, given: Values): readonly Objection[] {
  const values = { ...given, variables: variablesOf(policy, given) };
  try {
    if (!policy.conditions.every(({ expression }) => expression.evaluate(values) === true)) return [];
  } catch (reason) {
    return policy.failure === 'Ignore' ? [] : [unable(reason)];
  }
  return policy.validations.flatMap((validation) => objectionOf(validation, policy, values));
}

function objectionOf(validation: Validation, { failure }: Policy, values: Readonly<Record<string, unknown>>): readonly Objection[] {
  const { text, expression, message, messageExpression, reason } = validation;
  try {
    if (expression.evaluate(values) === true) return [];
  } catch (trouble) {
    return failure === 'Ignore' ? [] : [unable(trouble)];
  }
  return [{ message: said(messageExpression, values) || message || `failed expression: ${text}`, reason }];
}

function said(expression: Expression | undefined, values: Readonly<Record<string, unknown>>): string {
  try {
    const text = expression?.evaluate(values);
    return typeof text === 'string' ? text.trim() : '';
  } catch {
    return '';
  }
}

/** Each is reckoned when it is asked for, and once. */
function variablesOf({ variables }: Policy, values: Values): object {
  const all = {};
  for (const { name, expression } of variables) {
    let known: { readonly value: unknown } | undefined;
    const get = (): unknown => {
      known ??= { value: expression.evaluate({ ...values, variables: all }) };
      return known.value;
    };
    Object.defineProperty(all, name, { enumerable: true, get });
  }
  return all;
}

const unable = (reason: unknown): Objection => ({
  message: `expression cannot be evaluated: ${firstLineOf(reason)}`,
  reason: 'Invalid',
});
