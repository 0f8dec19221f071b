/** The fields of a type that its parent object does not contain. */
type Unresolved<TypeResolvers, Parent> = Required<Omit<NonNullable<TypeResolvers>, keyof Parent | `__${string}`>>;

/**
 * A subgraph's resolvers, by the types that are generated from its schema. A field that is neither in the parent object
 * nor resolved is a type error, because it would always be null.
 */
export type CompleteResolvers<Resolvers, Parents> = Resolvers & {
  [Type in keyof Resolvers & keyof Parents as object extends Unresolved<Resolvers[Type], Parents[Type]>
    ? never
    : Type]-?: Unresolved<Resolvers[Type], Parents[Type]>;
};
