/** Data of subgraphs and responses, by response names. */
export type Data = Record<string, unknown>;

/** Returns an object's own value. Inherited names, such as `constructor`, have none. */
export const ownValue = (object: unknown, key: string): unknown =>
  object != null && Object.hasOwn(object, key) ? (object as Data)[key] : undefined;
