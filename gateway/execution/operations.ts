import type { Experimental_DidResolveQueryPlanCallback } from '@apollo/gateway';
import type { GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { ServedSchema } from './public-fields.ts';
import { compileQueryPlan, type ExecutePlan } from './query-plan.ts';
import { compileResponseShape, type ShapeResponse } from './response-shape.ts';

/** An operation that this process executes itself: its query plan and the shape of its response, compiled. */
export interface CompiledOperation {
  readonly schema: GraphQLSchema;
  readonly executePlan: ExecutePlan;
  readonly shapeResponse: ShapeResponse;
}

/** Creates a store of compiled operations for the current schema. The keys are the nodes of the parsed documents. */
export function createCompiledOperations() {
  let operations = new WeakMap<OperationDefinitionNode, CompiledOperation>();
  let served: ServedSchema | undefined;

  /** Compiles an operation that the package has planned, unless the plan is for an older schema. */
  const add: Experimental_DidResolveQueryPlanCallback = ({ queryPlan, requestContext, operationContext }) => {
    const { operation } = operationContext;
    if (served === undefined || operationContext.schema !== served.schema || operations.has(operation)) return;
    const { schema } = served;
    const executePlan = compileQueryPlan(queryPlan, served);
    const shapeResponse = compileResponseShape(schema, requestContext.document, operation);
    if (executePlan && shapeResponse) operations.set(operation, { schema, executePlan, shapeResponse });
  };

  return {
    add,
    get: (operation: OperationDefinitionNode) => operations.get(operation),
    /** Removes all operations, because the schema has changed. */
    reset(newlyServed: ServedSchema): void {
      served = newlyServed;
      operations = new WeakMap();
    },
  };
}
