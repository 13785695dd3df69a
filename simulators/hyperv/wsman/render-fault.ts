import { elementNS, type XmlContent, type XmlElement, xmlNamespaces } from '#drivers/xml/tree.js';
import type { Problem } from '../cim/problem.js';
import { classUri, ns } from './names.js';
import { el, nil, renderReply } from './render.js';

/** Who answers, and what it was asked. */
export interface Answering {
  readonly machine: string;
  /** Of WinRM: 2.0 is of Server 2008 R2, 3.0 of all since 2012. */
  readonly stack: '2.0' | '3.0';
  /** The query, where it was one. */
  readonly asked?: string | undefined;
}

/** Both shapes of what WMI says, and WinRM's own, as real hosts showed them: `spec/stubs/responses` of github.com/WinRb/WinRM. */
export function renderFault(problem: Problem, relatesTo: string, answering: Answering): string {
  const { subcode, sender, message, cim } = problem;
  const isOfSoap = subcode.startsWith('s:');
  const code = isOfSoap ? subcode : sender ? 's:Sender' : 's:Receiver';
  const fault = el.s(
    'Fault',
    el.s('Code', el.s('Value', code), ...(isOfSoap ? [] : [el.s('Subcode', el.s('Value', subcode))])),
    el.s('Reason', withLanguage(el.s('Text', message))),
    el.s('Detail', cim === undefined ? ofWinRm(problem, answering, message) : ofWmi(problem, answering, cim)),
  );
  return renderReply(actionOf(subcode), relatesTo, fault);
}

/** Each protocol has its own. */
function actionOf(subcode: string): string {
  const of: Readonly<Record<string, string>> = {
    n: ns.enumeration,
    e: ns.eventing,
    x: ns.transfer,
    w: 'http://schemas.dmtf.org/wbem/wsman/1/wsman',
  };
  return `${of[subcode.slice(0, subcode.indexOf(':'))] ?? ns.addressing}/fault`;
}

function ofWinRm({ number }: Problem, { machine }: Answering, ...content: readonly XmlContent[]): XmlElement {
  const message = elementNS(ns.fault, 'f:Message', {}, ...content);
  return elementNS(ns.fault, 'f:WSManFault', { Code: String(number), Machine: machine }, message);
}

function ofWmi(problem: Problem, answering: Answering, cim: number): XmlElement {
  if (answering.stack === '3.0') return wmiError(problem, cim);
  const from = { provider: 'WMI Provider', path: '%systemroot%\\system32\\WsmWmiPl.dll' };
  const extended = elementNS(ns.fault, 'f:ExtendedError', {}, extendedStatus(answering.asked));
  const more = answering.asked === undefined ? [] : [extended];
  const inner = elementNS(ns.fault, 'f:ProviderFault', from, ofWinRm(problem, answering, problem.message), ...more);
  return ofWinRm(problem, answering, inner);
}

/** Its status is null even then. */
function extendedStatus(asked = ''): XmlElement {
  const uri = classUri('root/cimv2', '__ExtendedStatus');
  const one = (name: string, text?: string) =>
    text === undefined ? nil(elementNS(uri, `p:${name}`)) : elementNS(uri, `p:${name}`, {}, text);
  const said = { Description: undefined, Operation: 'ExecQuery', ParameterInfo: asked, ProviderName: 'WinMgmt', StatusCode: undefined };
  return elementNS(uri, 'p:__ExtendedStatus', {}, ...Object.entries(said).map(([name, text]) => one(name, text)));
}

function wmiError({ number, message }: Problem, cim: number): XmlElement {
  const uri = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError';
  const said = {
    CIMStatusCode: String(cim),
    Message: message,
    MessageID: `HRESULT 0x${number.toString(16)}`,
    error_Code: String(number),
    error_Type: 'HRESULT',
    error_WindowsErrorMessage: message,
  };
  return elementNS(uri, 'p:MSFT_WmiError', {}, ...Object.entries(said).map(([name, text]) => elementNS(uri, `p:${name}`, {}, text)));
}

const withLanguage = (of: XmlElement): XmlElement => ({
  ...of,
  attributes: [{ name: 'xml:lang', namespace: xmlNamespaces.xml, value: 'en-US' }],
});
