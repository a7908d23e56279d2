# SPDX-License-Identifier: Apache-2.0
"""Asks the simulated account as a user of boto3 does; an assertion that fails ends it."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

url, key, secret = sys.argv[1:]


def client(service):
    return boto3.client(
        service, endpoint_url=url, region_name="us-west-2", aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}, parameter_validation=False))


def refused(exception, code, call):
    try:
        call()
    except exception as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["Error"]["Message"], e
    else:
        raise AssertionError(f"{code} was expected")


logs, sqs, sts, iam = (client(s) for s in ("logs", "sqs", "sts", "iam"))

for i in range(3):
    logs.create_log_group(logGroupName=f"/g/{i}")
pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/g", PaginationConfig={"PageSize": 2})
assert [[g["logGroupName"] for g in p["logGroups"]] for p in pages] == [["/g/0", "/g/1"], ["/g/2"]]
refused(logs.exceptions.ResourceAlreadyExistsException, "ResourceAlreadyExistsException",
        lambda: logs.create_log_group(logGroupName="/g/0"))
refused(logs.exceptions.InvalidParameterException, "InvalidParameterException", lambda: logs.describe_log_groups(limit=51))
refused(logs.exceptions.ResourceNotFoundException, "ResourceNotFoundException",
        lambda: logs.filter_log_events(logGroupName="/none"))
for stream in "ab":
    logs.create_log_stream(logGroupName="/g/0", logStreamName=stream)
    logs.put_log_events(logGroupName="/g/0", logStreamName=stream, logEvents=[
        {"timestamp": 1000 + n, "message": f"{stream}{n}"} for n in range(5)])
pages = logs.get_paginator("describe_log_streams").paginate(logGroupName="/g/0", PaginationConfig={"PageSize": 1})
assert [[s["logStreamName"] for s in p["logStreams"]] for p in pages] == [["a"], ["b"]]
pages = logs.get_paginator("filter_log_events").paginate(
    logGroupName="/g/0", filterPattern="a0 ?a0", PaginationConfig={"PageSize": 1})
assert [e["message"] for p in pages for e in p["events"]] == ["a0"]
page = logs.get_log_events(logGroupName="/g/0", logStreamName="b", limit=2)
assert [e["message"] for e in page["events"]] == ["b3", "b4"]
page = logs.get_log_events(logGroupName="/g/0", logStreamName="b", limit=2, nextToken=page["nextBackwardToken"])
assert [e["message"] for e in page["events"]] == ["b1", "b2"]
refused(logs.exceptions.ResourceNotFoundException, "ResourceNotFoundException",
        lambda: logs.get_log_events(logGroupName="/g/0", logStreamName="none"))
refused(ClientError, "NotImplemented", lambda: logs.start_query(
    logGroupName="/g/0", startTime=0, endTime=1, queryString="fields @message"))

queue = sqs.get_queue_url(QueueName="q")["QueueUrl"]
sqs.send_message(QueueUrl=queue, MessageBody="hello")
message = sqs.receive_message(QueueUrl=queue, AttributeNames=["SentTimestamp"])["Messages"][0]
assert message["Body"] == "hello" and message["Attributes"]["SentTimestamp"]
sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
refused(sqs.exceptions.QueueDoesNotExist, "AWS.SimpleQueueService.NonExistentQueue", lambda: sqs.get_queue_url(QueueName="none"))
refused(ClientError, "InvalidParameterValue", lambda: sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=11))
sqs.send_message(QueueUrl=queue, MessageBody="again")
counted = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
assert counted["ApproximateNumberOfMessages"] == "1" and counted["QueueArn"].endswith(":q"), counted
message = sqs.receive_message(QueueUrl=queue)["Messages"][0]
sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
refused(sqs.exceptions.MessageNotInflight, "AWS.SimpleQueueService.MessageNotInflight", lambda: sqs.change_message_visibility(
    QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0))
sqs.purge_queue(QueueUrl=queue)
assert "Messages" not in sqs.receive_message(QueueUrl=queue)
refused(sqs.exceptions.InvalidAttributeName, "InvalidAttributeName",
        lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Colour"]))
refused(ClientError, "NotImplemented", lambda: sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "1"}))

assert sts.get_caller_identity()["Account"] == "111122223333"
refused(ClientError, "ValidationError", lambda: sts.assume_role(RoleArn="x"))
refused(sts.exceptions.InvalidIdentityTokenException, "InvalidIdentityToken", lambda: sts.assume_role_with_web_identity(
    RoleArn="arn:aws:iam::111122223333:role/none", RoleSessionName="abc", WebIdentityToken="abcd"))

for i in range(3):
    iam.create_instance_profile(InstanceProfileName=f"p{i}", Path="/a/")
pages = iam.get_paginator("list_instance_profiles").paginate(PathPrefix="/a/", PaginationConfig={"PageSize": 2})
assert [[i["InstanceProfileName"] for i in p["InstanceProfiles"]] for p in pages] == [["p0", "p1"], ["p2"]]
role = iam.get_role(RoleName="AWSServiceRoleForEC2Spot")["Role"]
assert role["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"
refused(iam.exceptions.NoSuchEntityException, "NoSuchEntity", lambda: iam.get_role(RoleName="none"))
refused(ClientError, "NotImplemented", iam.list_users)
