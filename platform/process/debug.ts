/** What operators may see of a dependency: states and numbers, but no secrets, values of statements or user data. */
export interface DebugSource {
  /** Returns what this process knows without asking the dependency. */
  known(): object;
  /** Asks the dependency. It must always settle. @throws when the dependency does not answer */
  ask(): Promise<object>;
}

export const DEBUG_PARTS = ['db', 'redis', 'nats'] as const;
/** The dependencies of a process. */
export type DebugSources = Partial<Record<(typeof DEBUG_PARTS)[number], DebugSource>>;

/** A dependency does not answer. Operators see the message, so it contains no address. */
export class NoAnswerError extends Error {}
