import { forbidden } from '../errors/errors.ts';
import { type Caller, requireCaller } from './identity.ts';

/** Whether the reader may see an object, or the field of it that is asked for with these arguments. */
export type Rule<Thing, Context, Args = unknown> = (
  object: Thing,
  context: Context,
  args: Args,
) => boolean | Promise<boolean>;

export type Visibility<Context> = Rule<never, Context, undefined>;
export type FieldRules<Context> = Readonly<Record<string, Rule<never, Context, never>>>;

/** The rules of one object type. */
export interface TypePolicy<Context> {
  /** Who sees such an object at all. To others it is null, and left out of lists. */
  readonly visibleTo: Visibility<Context>;
  /** Who sees which field of an object that is seen. To others it is null. */
  readonly fields: FieldRules<Context> | typeof everyone;
}

/** Who sees what of a subgraph: a rule for each root field, and the rules of every other object type. */
export interface Policy<Context> {
  readonly Query: FieldRules<Context>;
  /** Left out where the schema has no mutations. */
  readonly Mutation?: FieldRules<Context>;
  readonly types: Readonly<Record<string, TypePolicy<Context>>>;
}

interface Reader {
  readonly caller: Caller | null;
}

export const everyone = (): true => true;

/** For a root field whose refusal betrays no object. @throws UNAUTHENTICATED without a caller */
export function signedIn(_root: unknown, { caller }: Reader): true {
  requireCaller(caller);
  return true;
}

/** For a root field. @throws UNAUTHENTICATED without a caller, FORBIDDEN for one who is not an admin */
export function adminsOnly(_root: unknown, { caller }: Reader): true {
  if (!isAdmin(requireCaller(caller))) throw forbidden();
  return true;
}

/** For a type that is as open as what leads to it: payloads, refusals, connections, references. */
export const visibleToEveryone: TypePolicy<unknown> = { visibleTo: everyone, fields: everyone };

/** For the edges of a connection: an edge is as visible as its node. */
export const edgeOf = <Node, Context>(visibleTo: Rule<Node, Context, undefined>): TypePolicy<Context> => ({
  visibleTo: ({ node }: { node: Node }, context) => visibleTo(node, context, undefined),
  fields: everyone,
});

export const isAdmin = (caller: Caller | null): boolean => caller?.role === 'ADMIN';

/** Whose rows a list holds for its reader: the reader's own; for an admin everyone's, which is undefined. */
export const ownUnlessAdmin = (caller: Caller): string | undefined => (isAdmin(caller) ? undefined : caller.userId);
