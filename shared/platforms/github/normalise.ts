import { DEFINITIONS_EVENT, factsOfDefinitions } from '../definitions.ts';
import { type DeliveredEvent, noFacts, type PlatformFacts } from '../port.ts';
import { factsOfCheckRun, factsOfCheckSuite, factsOfCommitStatus } from './checks.ts';
import { factsOfDeployment, factsOfDeploymentReview } from './deployments.ts';
import {
  checkRun,
  checkSuite,
  commitStatus,
  deployment,
  deploymentReview,
  deploymentStatus,
  isKnownEvent,
  workflowJob,
  workflowRun,
} from './payloads.ts';
import { payloadOf } from './receive.ts';
import { factsOfJob } from './workflow-jobs.ts';
import { factsOfRun } from './workflow-runs.ts';

export function normalise(delivery: DeliveredEvent): PlatformFacts {
  if (delivery.event === DEFINITIONS_EVENT) return factsOfDefinitions('github', delivery);
  if (!isKnownEvent(delivery.event)) return noFacts();
  const payload = payloadOf(delivery.body, delivery.contentType);
  switch (delivery.event) {
    case 'workflow_run':
      return factsOfRun(workflowRun.parse(payload), delivery);
    case 'workflow_job':
      return factsOfJob(workflowJob.parse(payload), delivery);
    case 'check_run':
      return factsOfCheckRun(checkRun.parse(payload), delivery);
    case 'check_suite':
      return factsOfCheckSuite(checkSuite.parse(payload), delivery);
    case 'status':
      return factsOfCommitStatus(commitStatus.parse(payload), delivery);
    case 'deployment':
      return factsOfDeployment(deployment.parse(payload), delivery);
    case 'deployment_status':
      return factsOfDeployment(deploymentStatus.parse(payload), delivery);
    case 'deployment_review':
      return factsOfDeploymentReview(deploymentReview.parse(payload), delivery);
    default:
      // Of the hook, of the App, of a run that was asked for and will tell of itself: they are kept, and tell no state.
      return noFacts();
  }
}
