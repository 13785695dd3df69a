import jsonPatch from 'fast-json-patch';
import { hostility, isList, isObject, type Json, type JsonObject } from '../json.js';
import { firstLineOf } from '../trouble.js';
import type { Edit } from './objects.js';
import { badRequest, StatusError } from './status.js';

const maxOperations = 10_000;
/** What copies may add to an object, in characters: a few of them, each of all that is there, would fill any memory. */
const maxCopied = 3 * 2 ** 20;
/** What moves and copies may look through, all together: the whole object is looked through for each. */
const maxWork = 64 * 2 ** 20;

/** RFC 6902. All of it, or nothing. */
export function jsonPatchEdit(patch: Json): Edit {
  if (!isList(patch)) throw badRequest('a JSON patch is a list of operations');
  if (patch.length > maxOperations) throw tooMuch(`the patch has ${patch.length} operations; accepted: at most ${maxOperations}`);
  return (object) => {
    try {
      const result = patched(object, patch);
      const trouble = hostility(result);
      if (!isObject(result) || trouble !== undefined) throw new Error(trouble ?? 'the result is no object');
      return result;
    } catch (reason) {
      if (reason instanceof StatusError) throw reason;
      throw new StatusError(422, 'Invalid', `the server rejected our request due to an error in our request: ${firstLineOf(reason)}`);
    }
  };
}

function patched(object: JsonObject, patch: readonly Json[]): Json {
  let document = structuredClone(object) as Json;
  let [work, copied] = [0, 0];
  const size = JSON.stringify(object).length + JSON.stringify(patch).length;
  for (const [at, operation] of patch.entries()) {
    const { op, from } = isObject(operation) ? operation : {};
    if (op === 'copy' || op === 'move') work += size + copied;
    if (op === 'copy' && typeof from === 'string') copied += JSON.stringify(jsonPatch.getValueByPointer(document, from) ?? null).length;
    if (copied > maxCopied) throw tooMuch(`the copies of the patch come to more than ${maxCopied} characters`);
    if (work > maxWork) throw tooMuch(`the patch moves and copies too often for an object of this size`);
    document = jsonPatch.applyOperation(document, operation as unknown as jsonPatch.Operation, true, true, true, at).newDocument as Json;
  }
  return document;
}

const tooMuch = (message: string): StatusError => new StatusError(413, 'RequestEntityTooLarge', message);
