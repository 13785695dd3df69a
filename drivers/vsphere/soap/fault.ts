import { child, elements, isElement, textOf, type XmlElement } from '#drivers/xml/tree.js';
import { typeOf } from './names.js';

/** What a host said went wrong, in full: an answer to a call, or the end of a task. */
export class VimFault extends Error {
  override readonly name = 'VimFault';
  /** E.g. `InvalidPowerState`. */
  readonly type: string;
  readonly detail: XmlElement | undefined;

  constructor(type: string, said: string, detail: XmlElement | undefined) {
    const cause = child(detail, 'faultCause');
    super(wordsOf(type, said, detail), cause === undefined ? {} : { cause: readLocalizedFault(cause) });
    this.type = type;
    this.detail = detail;
  }

  /** A field of this kind of fault, e.g. `invalidProperty`. */
  field(name: string): string | undefined {
    const found = child(this.detail, name);
    return found === undefined ? undefined : textOf(found);
  }
}

/** The detail of a SOAP fault: `<InvalidLoginFault xsi:type="InvalidLogin">`. */
export function readSoapFault(said: string, detail: XmlElement | undefined): VimFault {
  return new VimFault(typeOf(detail) ?? detail?.name.replace(/Fault$/, '') ?? 'Fault', said, detail);
}

/** `LocalizedMethodFault`, as the error of a task or of a property that could not be read. */
export function readLocalizedFault(localized: XmlElement): VimFault {
  const fault = child(localized, 'fault');
  return new VimFault(typeOf(fault) ?? 'MethodFault', textOf(child(localized, 'localizedMessage')) ?? '', fault);
}

const inherited = ['faultCause', 'faultMessage'];

/** The host's sentence, and the fields that say what it is about: hosts leave out either. */
function wordsOf(type: string, said: string, detail: XmlElement | undefined): string {
  const messages = elements(detail, 'faultMessage').flatMap((each) => textOf(child(each, 'message')) || []);
  const fields = (detail?.children ?? []).filter((node): node is XmlElement => isElement(node) && !inherited.includes(node.name));
  const leaves = fields.filter((field) => elements(field).length === 0);
  const told = leaves.map((field) => `${field.name} ${JSON.stringify(textOf(field))}`);
  const sentence = [...new Set([said.trim(), ...messages])].filter((each) => each !== '').join(' ');
  return `${sentence === '' ? 'the host refuses' : sentence} (${[type, ...told].join(', ')})`;
}
