import { forbidden } from '../errors/errors.ts';
import { type Caller, requireCaller } from './identity.ts';

/** Decides whether the caller may see an object, or its field with these arguments. */
export type Rule<Thing, Context, Args = unknown> = (
  object: Thing,
  context: Context,
  args: Args,
) => boolean | Promise<boolean>;

export type Visibility<Context> = Rule<never, Context, undefined>;
export type FieldRules<Context> = Readonly<Record<string, Rule<never, Context, never>>>;

export interface TypePolicy<Context> {
  /** Decides who may see an object of the type. For others it is null and left out of lists. */
  readonly visibleTo: Visibility<Context>;
  /** Decides who may see each field of a visible object. For others the field is null. */
  readonly fields: FieldRules<Context> | typeof everyone;
}

/** The authorization of a subgraph: a rule for each root field, and the rules of every other object type. */
export interface Policy<Context> {
  readonly Query: FieldRules<Context>;
  /** Left out when the schema has no mutations. */
  readonly Mutation?: FieldRules<Context>;
  /** Left out when the schema has no subscriptions. */
  readonly Subscription?: FieldRules<Context>;
  readonly types: Readonly<Record<string, TypePolicy<Context>>>;
}

interface Reader {
  readonly caller: Caller | null;
}

export const everyone = (): true => true;

/** The rule of a root field for signed-in users. It reveals no object. @throws UNAUTHENTICATED without a caller */
export function signedIn(_root: unknown, { caller }: Reader): true {
  requireCaller(caller);
  return true;
}

/** The rule of a root field for admins. @throws UNAUTHENTICATED without a caller, FORBIDDEN for other users */
export function adminsOnly(_root: unknown, { caller }: Reader): true {
  if (!isAdmin(requireCaller(caller))) throw forbidden();
  return true;
}

/** For types that are protected by the fields that return them: payloads, refusals, connections, references. */
export const visibleToEveryone: TypePolicy<unknown> = { visibleTo: everyone, fields: everyone };

/** The policy of the edges of a connection: an edge is visible if its node is visible. */
export const edgeOf = <Node, Context>(visibleTo: Rule<Node, Context, undefined>): TypePolicy<Context> => ({
  visibleTo: ({ node }: { node: Node }, context) => visibleTo(node, context, undefined),
  fields: everyone,
});

export const isAdmin = (caller: Caller | null): boolean => caller?.role === 'ADMIN';

/** The user whose rows a list contains: the caller. For an admin it is undefined, which means the rows of all users. */
export const ownUnlessAdmin = (caller: Caller): string | undefined => (isAdmin(caller) ? undefined : caller.userId);
