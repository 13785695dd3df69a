/** JSON in plain ASCII, which says the same: what is beyond it stands as `\u`. Breaks between its words stay. */
export const inAscii = (json: string): string =>
  json.replace(/[^ -~\t\n\r]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
