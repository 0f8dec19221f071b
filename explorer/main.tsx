import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import './explorer.css';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL, type GraphiQLProps } from 'graphiql';
import { Kind, type OperationDefinitionNode, parse } from 'graphql';
import { createClient } from 'graphql-sse';
import { createRoot } from 'react-dom/client';
import tour from '../docs/tour.md?raw';
import { emptyVariables, stepsOfTour, withComment } from '../scripts/tour/steps.ts';
import { authorization, send } from './demo-session.ts';
import { SignInButton } from './sign-in-button.tsx';

/** One tab for each operation of the tour. GraphiQL keeps the visitor's own tabs for later visits. */
const TABS = stepsOfTour(tour).map((step) => ({ query: withComment(step), variables: emptyVariables(step) }));
const PLUGINS = [explorerPlugin({ showAttribution: false }), HISTORY_PLUGIN];

/** Sends an operation. An Authorization header of the tab takes precedence over the demo user's. */
const fetcher: GraphiQLProps['fetcher'] = async ({ query, variables, operationName }, { headers = {} } = {}) => {
  const isOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const sent = { ...(isOwn ? {} : await authorization()), ...headers };
  const operations = operationsOf(query);
  const operation = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  // Right after a change of the tab, GraphiQL still gives the name of the other tab's operation.
  const name = operation?.name?.value;
  const request = { query, variables, ...(name && { operationName: name }) };
  if (operation?.operation !== 'subscription') return send(request, sent);
  return createClient({ url: '/graphql', headers: sent }).iterate(request) as AsyncGenerator<object>;
};

/** Returns the operations of a document, or none when it is not valid. The gateway's answer then shows the mistake. */
function operationsOf(query: string): OperationDefinitionNode[] {
  try {
    return parse(query).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  } catch {
    return [];
  }
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <GraphiQL fetcher={fetcher} plugins={PLUGINS} defaultTabs={TABS} defaultEditorToolsVisibility="variables">
    <GraphiQL.Logo>
      <SignInButton />
    </GraphiQL.Logo>
  </GraphiQL>,
);
