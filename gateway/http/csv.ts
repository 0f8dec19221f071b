/** A spreadsheet would read a text that begins with one of these characters as a formula. */
const FORMULA = /^[=+\-@\t\r]/;
const NEEDS_QUOTES = /[",\r\n]/;

/** Returns a line of a CSV file (RFC 4180). No value of it is read as a formula by a spreadsheet. */
export const csvLine = (values: readonly (string | number)[]): string => `${values.map(fieldOf).join(',')}\r\n`;

function fieldOf(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
