import java.util.List;
import java.util.Properties;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** Adds a rule to a broker with an authorizer: properties of a client as key=value, then the rule's five words. */
public final class AclTool {
    public static void main(String[] args) throws Exception {
        int rule = args.length - 5;
        Properties properties = new Properties();
        for (int i = 0; i < rule; i++) {
            String[] pair = args[i].split("=", 2);
            properties.put(pair[0], pair[1]);
        }
        var resource = new ResourcePattern(ResourceType.fromString(args[rule + 3]), args[rule + 4], PatternType.LITERAL);
        var entry = new AccessControlEntry(
            args[rule], "*", AclOperation.fromString(args[rule + 2]), AclPermissionType.fromString(args[rule + 1]));
        try (var admin = Admin.create(properties)) {
            admin.createAcls(List.of(new AclBinding(resource, entry))).all().get();
        }
    }
}
