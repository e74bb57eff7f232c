import type { ControllerSettings } from '../../runtime/controller-settings.ts';
import { parameter } from '../action.ts';
import { actorOf } from '../actor.ts';
import type { Answer } from '../answers.ts';
import type { ActionRequest } from '../port.ts';
import { awsActionsFor, instanceIn } from './aws-acts.ts';
import type { AwsEnvironment } from './aws-http.ts';
import { braketActionsFor } from './braket-acts.ts';
import type { Controller } from './index.ts';

export interface AwsSettings {
  readonly settings: ControllerSettings['aws'];
  /** Of the function itself: AWS acts on nothing elsewhere. */
  readonly account: string;
  readonly environment: AwsEnvironment;
  readonly now?: () => number;
}

/** Refusals that pass by themselves, by the names that AWS has for them: whatever the status, nothing was done. */
const BUSY =
  /^(?:Throttl|RequestLimitExceeded|RequestThrottled|TooManyRequests|ScalingActivityInProgress|ResourceContention|ConflictException)/;
const judged = <A extends Answer>(answer: A): A => (BUSY.test(answer.message) ? { ...answer, status: 429 } : answer);

/**
 * Machines and quantum tasks on AWS. The function's role may act on what the settings name and on nothing else; what they
 * do not name is not even asked for.
 */
export function awsController({ settings, account, environment, now = Date.now }: AwsSettings): Controller {
  const actions = { ...awsActionsFor(settings.groups), ...braketActionsFor(settings.quantum.resubmitTo) };

  /** Why not, by the settings. Which instances carry a tag, AWS itself judges by the role. */
  function forbidden(of: ActionRequest): string | undefined {
    const [instance, document] = [instanceIn(of), parameter(of, 'document')];
    const named = instance !== undefined && settings.instances.includes(instance);
    const mayBe = named || Object.keys(settings.tags).length > 0;
    switch (of.action) {
      case 'terminate-instance':
        return settings.groups.length > 0 ? undefined : 'the settings name no Auto Scaling group';
      case 'cancel-task':
        return settings.quantum.cancel ? undefined : 'the settings do not allow quantum tasks to be cancelled';
      case 'resubmit-task':
        return settings.quantum.resubmitTo === undefined
          ? 'the settings do not allow quantum tasks to be submitted'
          : undefined;
      case 'run-document':
        if (!settings.documents.includes(document ?? ''))
          return `the settings do not name the document ${document ?? ''}`;
        return mayBe ? undefined : `the settings do not name the instance ${instance ?? ''}`;
      default:
        return mayBe ? undefined : `the settings do not name the instance ${instance ?? ''}`;
    }
  }

  return {
    actions,
    async open() {
      const { awsApi } = await import('./aws-http.ts');
      const api = awsApi(environment);
      const actor = actorOf({
        ...{ title: 'AWS', actions, now },
        send: async (call, _of, timeoutMs) => judged(await api(call, timeoutMs)),
      });
      const placed = (of: ActionRequest): ActionRequest => ({
        ...of,
        parameters: { ...of.parameters, account, region: environment.AWS_REGION ?? '' },
      });
      return {
        async act(of) {
          const reason = forbidden(of);
          return reason === undefined ? actor.act(placed(of)) : { kind: 'refused', reason };
        },
        lookUp: async (of) => (forbidden(of) === undefined ? actor.lookUp(placed(of)) : 'unclear'),
        probe: async (of) => (forbidden(of) === undefined ? actor.probe(placed(of)) : undefined),
      };
    },
  };
}
