/** One entry of `errors` in an answer of the graph. */
export interface AnswerError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: {
    /** A code that programs may depend on, such as SERVICE_UNAVAILABLE. */
    readonly code?: string;
    /** The seconds after which a retry can succeed. */
    readonly retryAfter?: number;
    /** Identifies an internal error in the logs of the server. */
    readonly errorId?: string;
  };
}

/** An answer of the graph. The field at the path of an error is null. */
export interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly AnswerError[];
}

/** The codes of this client, in addition to those of the server. */
export const NO_ANSWER = 'NO_ANSWER';
export const NOT_SENT = 'NOT_SENT';
const BAD_ANSWER = 'BAD_ANSWER';

/** After these errors a mutation may have happened. */
const OPEN_CODES = [NO_ANSWER, BAD_ANSWER, 'SERVICE_UNAVAILABLE', 'INTERNAL_SERVER_ERROR'];

/** An operation that failed. Expected refusals, such as SoldOutError, are data and not errors. */
export class OperationError extends Error {
  /** The code of the first error. NO_ANSWER: the connection was lost. NOT_SENT: there was none. */
  readonly code: string;
  /** The seconds after which a retry can succeed, if the server says so. */
  readonly retryAfterS: number | undefined;
  /** True when a mutation may have happened. To find out, send it again with the same idempotency key. */
  readonly isOutcomeUnknown: boolean;
  readonly errors: readonly AnswerError[];

  constructor(errors: readonly AnswerError[], { isMutation }: { isMutation: boolean }) {
    const { message = 'The answer has no data.', extensions: { code = BAD_ANSWER, retryAfter } = {} } = errors[0] ?? {};
    super(message);
    this.name = 'OperationError';
    this.code = code;
    this.retryAfterS = retryAfter;
    this.isOutcomeUnknown = isMutation && OPEN_CODES.includes(code);
    this.errors = errors;
  }
}

/** Returns an answer that consists of one error. */
export const failure = (message: string, code: string, retryAfter = Number.NaN): Answer<never> => ({
  errors: [{ message, extensions: { code, ...(retryAfter >= 0 && { retryAfter }) } }],
});

/**
 * Returns the errors that leave a field at the root null, so that the operation as a whole failed. Other errors only
 * leave nested fields null, as the types allow.
 */
export const rootErrors = ({ data, errors = [] }: Answer<unknown>): readonly AnswerError[] =>
  errors.filter(({ path }) => (data as Record<string, unknown> | null | undefined)?.[String(path?.[0])] == null);

/** Returns the first error with one of the codes. */
export const findError = (errors: readonly AnswerError[], ...codes: readonly string[]): AnswerError | undefined =>
  errors.find(({ extensions }) => codes.includes(extensions?.code ?? ''));

/** Reads an answer. One that is not GraphQL becomes an error: SERVICE_UNAVAILABLE from a proxy, or BAD_ANSWER. */
export async function readAnswer<Data>(response: Response): Promise<Answer<Data>> {
  const text = await response.text();
  try {
    const answer = JSON.parse(text);
    if (answer?.data !== undefined || Array.isArray(answer?.errors)) return answer;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const code = [502, 503, 504].includes(response.status) ? 'SERVICE_UNAVAILABLE' : BAD_ANSWER;
  const retryAfterS = Number(response.headers.get('retry-after') ?? Number.NaN);
  return failure(`The server answered with the HTTP status ${response.status}.`, code, retryAfterS);
}
