/** An operation of the tour, with the text above it. */
export interface TourStep {
  readonly title: string;
  /** The explanation, in Markdown on one line. */
  readonly text: string;
  readonly name: string;
  readonly operation: string;
  readonly variables: readonly string[];
}

const STEP = /\*\*\d+\. (?<title>[^*]+)\.\*\* (?<text>.+?)\n\n```graphql\n(?<operation>.+?)```/gs;

/** Returns the steps of docs/tour.md in their order. It needs no module of Node, because the explorer uses it too. */
export const stepsOfTour = (tour: string): TourStep[] =>
  [...tour.matchAll(STEP)].map(({ groups: { title = '', text = '', operation = '' } = {} }) => {
    const [heading = ''] = operation.split('{', 1);
    return {
      title,
      text: text.replaceAll('\n', ' '),
      name: /\w+ (\w+)/.exec(heading)?.[1] ?? '',
      operation,
      variables: [...heading.matchAll(/\$(\w+)/g)].map(([, variable = '']) => variable),
    };
  });

const WIDTH = 56;

/** Returns an operation with its explanation as comment lines above it. */
export function withComment({ title, text, operation, variables }: TourStep): string {
  const hint = variables.length === 0 ? '' : ` Fill in the variables: ${variables.join(', ')}.`;
  const words = `${title}. ${text.replaceAll('`', '')}${hint}`.split(' ');
  const lines = [''];
  for (const word of words) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length > WIDTH) lines.push(` ${word}`);
    else lines[lines.length - 1] = line;
  }
  return `${lines.map((line) => `#${line}`).join('\n')}\n${operation}`;
}

/** Returns the variables of a step as JSON, with empty values to fill in. */
export const emptyVariables = ({ variables }: TourStep): string =>
  variables.length === 0 ? '' : JSON.stringify(Object.fromEntries(variables.map((name) => [name, ''])), null, 2);
